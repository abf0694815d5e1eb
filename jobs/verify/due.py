"""What else tells of batches that are archived: the checkpoint of the stream, and the records of finished backfills."""

from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from jobs.backfill.errors import BackfillError
from jobs.backfill.runs import read_run, read_steps
from jobs.batch import Batch
from jobs.checkpoint import CheckpointError, archive_of, interrupted_batch, latest_batches
from jobs.sinks.failures import StorageError
from jobs.sinks.storage import Storage

log = structlog.get_logger()


@dataclass(frozen=True)
class StreamBatches:
    """The newest batch of a checkpoint that is done, and the one that is begun and not done; None where there is none."""

    done: Batch | None = None
    begun: Batch | None = None


NOTHING = StreamBatches()


def stream_batches(checkpoint: Storage, archive_uri: str) -> StreamBatches:
    """How far the stream's job is, to be asked before any delivery record is read: a batch is done after it has its record.

    Nothing where there is no checkpoint, it belongs to another archive (this one is a copy) or can't be read.
    """
    try:
        if archive_of(checkpoint) != archive_uri:
            return NOTHING
        latest, begun = latest_batches(checkpoint), interrupted_batch(checkpoint)
    except (CheckpointError, StorageError) as error:
        log.warning("checkpoint.unreadable", reason=error.message)
        return NOTHING
    done = [batch for batch in latest if batch.batch_id != begun]
    return StreamBatches(
        done[0] if done else None, next((each for each in latest if each.batch_id == begun), None)
    )


def last_steps(storage: Storage, finished: frozenset[str]) -> Iterator[Batch]:
    """The last step of each finished backfill that had any; nothing of one whose records are damaged."""
    for id in sorted(finished):
        try:
            run, steps = read_run(storage, id), read_steps(storage, id)
        except BackfillError:
            continue
        if run and steps:
            yield Batch("backfill", id, steps - 1, run.timestamp)
