"""Streaming queries on the source, as a driver makes them, and what they delivered."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs.instants import now
from jobs.sinks.storage import open_storage
from jobs.sources.kinesis import KinesisDataSource, caught_up, load_or_keep_start, read_progress
from tests.emulators import EmulatedKinesis

Row = tuple[bytes, str, str]


@dataclass
class Sink:
    """Collects every batch; a batch that comes again must be the same rows in the same order."""

    batches: dict[int, list[Row]] = field(default_factory=dict)
    replayed: list[int] = field(default_factory=list)
    fail: bool = False

    def __call__(self, frame: DataFrame, batch: int) -> None:
        """What foreachBatch calls."""
        rows = frame.select("data", "shardId", "sequenceNumber").collect()
        found = [(bytes(row[0]), str(row[1]), str(row[2])) for row in rows]
        if batch in self.batches:
            self.replayed.append(batch)
            assert found == self.batches[batch]
        self.batches[batch] = found
        if self.fail:
            raise RuntimeError("the batch fails")

    @property
    def bodies(self) -> Counter[bytes]:
        """Every body delivered."""
        return Counter(body for rows in self.batches.values() for body, _, _ in rows)


def start_query(
    spark: SparkSession,
    kinesis: EmulatedKinesis,
    stream: str,
    checkpoint: Path,
    sink: Callable[[DataFrame, int], None],
    start: str = "LATEST",
    **options: object,
) -> StreamingQuery:
    """Starts a query on the stream; its workers get the emulator's address from the session's environment."""
    spark.sparkContext.environment.update(kinesis.environment)
    # A query that was stopped while it logged batch 0 leaves a temporary file, which Spark would take for another
    # query's checkpoint for ever.
    spark.conf.set("spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart", "false")
    spark.dataSource.register(KinesisDataSource)
    offset = load_or_keep_start(open_storage(str(checkpoint)), kinesis.client(), stream, start, now())
    return (
        spark.readStream.format("kinesis")
        .options(streamName=stream, initialOffset=offset, progressFile=str(progress_file(checkpoint)))
        .options(**{name: str(value) for name, value in options.items()})
        .load()
        .writeStream.foreachBatch(sink)
        .option("checkpointLocation", str(checkpoint))
        .start()
    )


def progress_file(checkpoint: Path) -> Path:
    """Where the queries here keep their progress: beside the checkpoint."""
    return checkpoint.with_name(f"{checkpoint.name}-progress.json")


def run_until_caught_up(query: StreamingQuery, checkpoint: Path, since: datetime | None = None) -> None:
    """Lets the query read all that the stream holds now, then stops it between batches."""
    instant = since or now()
    await_that(query, lambda: caught_up(read_progress(progress_file(checkpoint)), instant))
    query.stop()


def await_that(query: StreamingQuery, condition: Callable[[], bool], seconds: float = 60) -> None:
    """Waits for something while the query lives."""
    until = time.monotonic() + seconds
    while not condition():
        if query.exception() is not None:
            raise AssertionError("the query failed") from query.exception()
        assert time.monotonic() < until, "it didn't happen in time"
        time.sleep(0.05)


def forget_last_commit(checkpoint: Path) -> int:
    """Deletes the newest commit, so that its batch is replayed at the next start; returns its number."""
    newest = max(int(path.name) for path in (checkpoint / "commits").iterdir() if path.name.isdecimal())
    (checkpoint / "commits" / str(newest)).unlink()
    (checkpoint / "commits" / f".{newest}.crc").unlink(missing_ok=True)
    return newest
