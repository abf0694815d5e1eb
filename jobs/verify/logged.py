"""What Spark's own log says of an archive's batches: the loss of the last delivery records shows nowhere else."""

import json
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from jobs.batch import Batch
from jobs.checkpoint import (
    CheckpointError,
    archive_of,
    committed_batch,
    interrupted_batch,
    logged_batch,
    logged_ids,
    query_id,
)
from jobs.sinks.failures import StorageError
from jobs.sinks.names import delivery_record_key
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.errors import OtherStream
from jobs.sources.kinesis.offsets import Offset, Position, positions
from jobs.sources.kinesis.start import kept_start
from jobs.verify.holes import End
from jobs.verify.records import ReadRange

T = TypeVar("T")


@dataclass(frozen=True)
class Committed:
    """The newest committed batch, ``last``, and where it ended in the shards of ``stream``, if the source says that.

    ``first`` is the oldest batch of the days that are looked at, as far as the log reaches back, ``start`` where reading began.
    """

    last: Batch
    first: int
    stream: str
    start: Position | None
    ends: Offset

    @property
    def end(self) -> End:
        """Every batch up to it has a delivery record: a commit follows that."""
        return End(
            self.last.query_id, True, self.first - 1, self.last.batch_id + 1, delivery_record_key(self.last)
        )

    @property
    def ranges(self) -> list[ReadRange]:
        """Where the next batch begins: as one that read nothing yet."""
        of = "stream", self.last.query_id, self.end.next, self.last.timestamp
        ends = ((shard, json.dumps(position)) for shard, position in self.ends.items())
        return [ReadRange(self.stream, shard, *of, at, at, self.end.key) for shard, at in ends]


@dataclass(frozen=True)
class Log:
    """The log in a checkpoint, as far as it is of the archive with that URI.

    An archive is audited without it as well: a copy has none. So nothing is said of a checkpoint that isn't there or
    can't be read (the doctor does that), and nothing is written.
    """

    checkpoint: Storage
    archive: str

    def committed(self, since: str | None) -> Committed | None:
        """What is committed by now; ``since`` is the first day that is looked at."""
        return self._if_readable(lambda: self._committed(since))

    def interrupted(self) -> Batch | None:
        """The batch that is begun and not committed."""
        return self._if_readable(lambda: self._batch(interrupted_batch(self.checkpoint)))

    def _if_readable(self, read: Callable[[], T | None]) -> T | None:
        try:
            return read() if archive_of(self.checkpoint) == self.archive else None
        except (StorageError, CheckpointError):
            return None

    def _committed(self, since: str | None) -> Committed | None:
        last = self._batch(committed_batch(self.checkpoint))
        if last is None:
            return None
        stream, start = self._start()
        ends = positions(logged_batch(self.checkpoint, last.batch_id).end) if stream else {}
        return Committed(last, self._first(last.batch_id, since) if since else 0, stream, start, ends)

    def _batch(self, number: int | None) -> Batch | None:
        if number is None:
            return None
        time = logged_batch(self.checkpoint, number).timestamp
        return Batch("stream", query_id(self.checkpoint), number, time)

    def _start(self) -> tuple[str, Position | None]:
        """The stream of our own source, and where it began in all shards; of another one the log doesn't say where batches end."""
        try:
            kept = kept_start(self.checkpoint)
        except OtherStream:
            kept = None
        return (kept["stream"], next(iter(kept["offset"].values()), None)) if kept else ("", None)

    def _first(self, last: int, since: str) -> int:
        known = sorted(number for number in logged_ids(self.checkpoint) if number <= last)
        first = bisect_left(
            known, since, key=lambda number: logged_batch(self.checkpoint, number).timestamp[:10]
        )
        return known[first] if first < len(known) else last + 1
