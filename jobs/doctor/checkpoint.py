"""What a checkpoint holds, read without changing anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.batch import Batch
from jobs.checkpoint import CheckpointError, interrupted_batch, latest_batches, logged_batch
from jobs.sinks.failures import ObjectMissing
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.offsets import Offset, positions
from jobs.sources.kinesis.progress import KEPT_PROGRESS, Evidence, evidence_of
from jobs.sources.kinesis.start import KEPT_START

_RESTORE = "restore it, or start with a new archive.checkpoint"
_DELETE = "delete it; it only serves to tell idle shards from trimmed ones"


@dataclass(frozen=True)
class CheckpointState:
    """A checkpoint: the archive it belongs to, its start, Spark's newest batch; each None where there is none.

    ``done`` is whether that batch is committed, ``settled`` the offset up to which everything is in committed batches.
    """

    owner: str | None
    start: Mapping[str, Any] | None
    newest: Batch | None
    done: bool
    settled: Offset | None
    evidence: Evidence

    @property
    def is_new(self) -> bool:
        """Whether no job has used it yet."""
        return self.start is None and self.newest is None


def read_checkpoint(checkpoint: Storage) -> CheckpointState:
    """The checkpoint's state. Raises CheckpointError where it can't be made out, StorageError."""
    owner = _json(checkpoint, "archive.json")
    start = _json(checkpoint, KEPT_START)
    latest = latest_batches(checkpoint)
    done = interrupted_batch(checkpoint) is None
    finished = latest if done else latest[1:]
    settled = dict(start["offset"]) if start else None
    if finished:
        settled = positions(logged_batch(checkpoint, finished[0].batch_id).end)
    evidence = evidence_of(_json(checkpoint, KEPT_PROGRESS, _DELETE))
    newest = latest[0] if latest else None
    return CheckpointState(owner["uri"] if owner else None, start, newest, done, settled, evidence)


def _json(checkpoint: Storage, key: str, remedy: str = _RESTORE) -> dict[str, Any] | None:
    try:
        content = json.loads(checkpoint.get(key))
    except ObjectMissing:
        return None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{key} in the checkpoint {checkpoint.uri} isn't what the job keeps there: {remedy}"
        )
    return content
