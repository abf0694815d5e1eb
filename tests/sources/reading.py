"""What the tests of the source share: a producer's ledger, and a reader driven as Spark drives it."""

import pickle
import tempfile
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.instants import now
from jobs.sources.kinesis.offsets import LoggedOffset, Offset, Position, positions, to_json
from jobs.sources.kinesis.progress import SETTLE, Progress, caught_up, read_progress
from jobs.sources.kinesis.records import SCHEMA
from jobs.sources.kinesis.source import KinesisReader
from jobs.sources.kinesis.start import resolve_start
from tests.emulators import EmulatedKinesis


class Producer:
    """Puts numbered records on a stream and remembers them."""

    def __init__(self, kinesis: EmulatedKinesis, stream: str) -> None:
        self.kinesis = kinesis
        self.client = kinesis.client()
        self.stream = stream
        self.ledger: Counter[bytes] = Counter()

    def put(self, count: int) -> list[bytes]:
        """Puts that many records, spread over the shards; returns their bodies."""
        bodies = [f"{len(self.ledger) + number}:{uuid.uuid4()}".encode() for number in range(count)]
        for first in range(0, count, 500):
            some = bodies[first : first + 500]
            records = [{"Data": body, "PartitionKey": uuid.uuid4().hex} for body in some]
            answer = self.client.put_records(StreamName=self.stream, Records=records)
            assert answer["FailedRecordCount"] == 0
        self.ledger.update(bodies)
        return bodies

    def open_shards(self) -> list[dict[str, Any]]:
        """The shards that take records, in the order of their keys."""
        shards = self.client.list_shards(StreamName=self.stream)["Shards"]
        open_ones = [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]
        return sorted(open_ones, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))

    def split(self, index: int = 0) -> None:
        """Splits the open shard at that place in the middle."""
        shard = self.open_shards()[index]
        low, high = (int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending"))
        self.client.split_shard(
            StreamName=self.stream,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str((low + high) // 2),
        )
        self.kinesis.await_active(self.stream)

    def merge(self, index: int = 0) -> None:
        """Merges the open shard at that place with the next."""
        left, right = self.open_shards()[index : index + 2]
        self.client.merge_shards(
            StreamName=self.stream, ShardToMerge=left["ShardId"], AdjacentShardToMerge=right["ShardId"]
        )
        self.kinesis.await_active(self.stream)

    def start(self, start: str) -> Offset:
        """What ``start`` means now."""
        return resolve_start(self.client, self.stream, start, now())


class Consumer:
    """Reads batch after batch as Spark does: each from the offset the last one ended at."""

    def __init__(
        self, stream: str, start: Offset, progress_file: Path | None = None, **options: object
    ) -> None:
        # Only the tests of the pace wait for it.
        settings = {"getRecordsPerSecond": "100", **{name: str(value) for name, value in options.items()}}
        settings |= {"streamName": stream, "initialOffset": to_json(start)}
        self._directory = tempfile.TemporaryDirectory()
        self.progress_file = progress_file or Path(self._directory.name, "progress.json")
        settings["progressFile"] = str(self.progress_file)
        self.reader = KinesisReader(settings)
        self.logged: list[LoggedOffset] = [self.reader.initialOffset()]
        self.batches: list[tuple[Offset, Offset, pa.Table]] = []

    @property
    def offset(self) -> Offset:
        """The positions read up to."""
        return positions(self.logged[-1])

    @offset.setter
    def offset(self, offset: Offset) -> None:
        self.logged = [offset]

    def read(self) -> pa.Table:
        """One batch."""
        start = self.logged[-1]
        rows, end = self.reader.read(start)
        table = pa.Table.from_batches(list(rows), SCHEMA)
        if end != start:
            self.logged.append(end)
            self.batches.append((positions(start), positions(end), table))
        else:
            assert table.num_rows == 0
            assert end is start
        return table

    def drain(self, reads: int = 200) -> "Consumer":
        """Reads until all that the stream held at the call has been read."""
        since = now() - SETTLE
        for _ in range(reads):
            self.read()
            if caught_up(self.progress(), since):
                return self
        raise AssertionError(f"still reading after {reads} reads")

    @property
    def bodies(self) -> Counter[bytes]:
        """Every body read so far."""
        return Counter(body for _, _, table in self.batches for body in bodies(table))

    def again(self, batch: int) -> pa.Table:
        """A batch read again, as an executor does it: by a copy of the reader that was pickled."""
        start, end, _ = self.batches[batch]
        copy: KinesisReader = pickle.loads(pickle.dumps(self.reader))  # noqa: S301  # its own
        return pa.Table.from_batches(list(copy.readBetweenOffsets(start, end)), SCHEMA)

    def progress(self) -> Progress:
        """The side file."""
        progress = read_progress(self.progress_file)
        assert progress is not None
        return progress


def bodies(table: pa.Table) -> list[bytes]:
    """The column of data."""
    values: list[bytes] = table.column("data").to_pylist()
    return values


def in_order(table: pa.Table) -> bool:
    """Whether the rows are in stream order: by shard, then by sequence number as a number."""
    shards = table.column("shardId").to_pylist()
    numbers = [int(text) for text in table.column("sequenceNumber").to_pylist()]
    keys = list(zip(shards, numbers, strict=True))
    return keys == sorted(keys)


def everywhere(position: Position, shards: Sequence[str]) -> Offset:
    """The offset with this position in each shard."""
    return dict.fromkeys(shards, position)
