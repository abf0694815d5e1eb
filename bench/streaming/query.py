"""The job's streaming query on an emulated stream, and a query that only reads; both as users run them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

import schemas
from jobs import checkpoint
from jobs.archive import Job
from jobs.archive_batch import Archive
from jobs.catalog import NoCatalog
from jobs.errors import PipelineError
from jobs.settings import ArchiveSettings, SourceSettings
from jobs.sinks.storage import Storage, open_storage
from jobs.stream import Source, kinesis_source, kinesis_start
from jobs.supervisor import Supervisor
from transforms import SystemUserIdPattern

AT_ONCE = "0 seconds"
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 300.0


class TooSlow(PipelineError):
    """What was published isn't read after some minutes."""


@dataclass(frozen=True)
class Reading:
    """A stream read from its beginning, in a directory of its own; ``most`` is the records of a batch."""

    spark: SparkSession
    stream: str
    directory: Path
    most: int

    @cached_property
    def checkpoints(self) -> Storage:
        """The checkpoint's storage."""
        return open_storage(str(self.directory / "checkpoint"))

    @cached_property
    def archive(self) -> Storage:
        """The archive's storage."""
        return open_storage(str(self.directory / "archive"))

    @contextmanager
    def into_nothing(self) -> Iterator[StreamingQuery]:
        """The source alone: every batch goes to Spark's no-op sink."""
        writing = self._source.rows.writeStream.format("noop").trigger(processingTime=AT_ONCE)
        query = writing.option("checkpointLocation", self.checkpoints.uri).start()
        try:
            yield query
        finally:
            query.stop()

    @contextmanager
    def into_the_archive(self, trigger: str = AT_ONCE) -> Iterator[StreamingQuery]:
        """The job's own query; it ends between two batches."""
        places = ArchiveSettings(uri=self.archive.uri, checkpoint=self.checkpoints.uri)
        partitions = self.spark.sparkContext.defaultParallelism
        archive = Archive(self.archive, NoCatalog(), schemas.load(), places, partitions)
        job = Job(self.spark, archive, self.checkpoints, self._source, self._progress)
        supervisor = Supervisor()
        query = job.start(supervisor, SystemUserIdPattern.of(), trigger)
        try:
            yield query
        finally:
            supervisor.supervise(
                query, lambda: True, lambda batch: checkpoint.is_committed(self.checkpoints, batch)
            )

    @cached_property
    def _source(self) -> Source:
        settings = SourceSettings(
            stream=self.stream,
            start="TRIM_HORIZON",
            max_records_per_batch=self.most,
            max_bytes_per_batch=1 << 40,
        )
        start = kinesis_start(settings, self.checkpoints)
        return kinesis_source(self.spark, settings, self.checkpoints, start, self._progress)

    @property
    def _progress(self) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        return self.directory / "progress.json"


def batches(query: StreamingQuery) -> list[dict[str, Any]]:
    """What Spark says of the query's batches that had rows: the last hundred."""
    return [dict(each) for each in query.recentProgress if each["numInputRows"]]


def seconds(batch: dict[str, Any]) -> float:
    """How long Spark was busy with a batch, from asking the source for its end to logging its commit."""
    return float(batch["durationMs"]["triggerExecution"]) / 1000


def wait(query: StreamingQuery, is_done: Callable[[], bool]) -> None:
    """Wait until the condition holds; raises the query's failure, or TooSlow."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not is_done():
        if not query.isActive:
            raise query.exception() or TooSlow("the query ended before it had read the stream")
        if time.monotonic() > end:
            raise TooSlow(
                f"the stream isn't read after {_PATIENCE_SECONDS:.0f} s: measure on an idle machine"
            )
        time.sleep(_POLL_SECONDS)
