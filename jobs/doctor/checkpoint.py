"""What a checkpoint holds, read without changing anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.batch import Batch
from jobs.checkpoint import archive_of, interrupted_batch, latest_batches, logged_batch, query_id
from jobs.sinks.deliveries import check_read, read_delivery_record
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.offsets import LoggedOffset, Offset, positions, ranges
from jobs.sources.kinesis.progress import Evidence, kept_evidence
from jobs.sources.kinesis.start import kept_start


@dataclass(frozen=True)
class CheckpointState:
    """A checkpoint: the archive it belongs to, its start, Spark's two newest batches; None or empty where there is none.

    ``done`` is whether the newest of them is committed, ``end`` its end, and ``settled`` the offset up to which everything is in
    committed batches, both as Spark logged them. ``evidence`` is up to when the shards had been read at their last positions.
    """

    owner: str | None
    start: Mapping[str, Any] | None
    latest: list[Batch]
    done: bool
    end: LoggedOffset | None
    settled: LoggedOffset | None
    evidence: Evidence

    @property
    def newest(self) -> Batch | None:
        """The newest batch that Spark has logged."""
        return self.latest[0] if self.latest else None

    @property
    def is_new(self) -> bool:
        """Whether no job has used it yet."""
        return self.start is None and self.newest is None

    def is_archived(self, archive: Storage) -> bool:
        """Whether the newest batch has a delivery record; looks at the one before where it has none, as a start does.

        Raises DeliveryRecordDiffers, DeliveryRecordUnreadable, StorageError.
        """
        for batch in self.latest:
            if (record := read_delivery_record(archive, batch)) is not None:
                if batch is self.newest and not self.done and self.settled and self.end:
                    check_read(record, batch, ranges(self.settled, self.end))
                return batch is self.newest
        return False

    def unread(self, *, archived: bool) -> Offset | None:
        """The offset from which on the next start reads, or reads again; ``archived`` is what ``is_archived`` says."""
        offset = self.end if archived else self.settled
        return None if offset is None else positions(offset)


def read_checkpoint(checkpoint: Storage) -> CheckpointState:
    """The checkpoint's state. Raises CheckpointError or SourceError where it can't be made out, StorageError."""
    if checkpoint.exists("metadata"):
        query_id(checkpoint)
    start, latest = kept_start(checkpoint), latest_batches(checkpoint)
    done = interrupted_batch(checkpoint) is None
    settled: LoggedOffset | None = start["offset"] if start else None
    end = None
    if latest:
        last = latest[0].batch_id
        end = logged_batch(checkpoint, last).end
        committed = last if done else last - 1
        if committed >= 0:
            settled = logged_batch(checkpoint, committed).end
    evidence = kept_evidence(checkpoint)
    return CheckpointState(archive_of(checkpoint), start, latest, done, end, settled, evidence)
