"""What Spark keeps in the checkpoint, read; and the one thing we add: which archive it belongs to."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jobs.batch import Batch
from jobs.errors import PipelineError
from jobs.instants import EPOCH, iso
from jobs.sinks.failures import ObjectExists, ObjectMissing
from jobs.sinks.local import LocalStorage
from jobs.sinks.storage import Storage

_ARCHIVE = "archive.json"


class CheckpointError(PipelineError):
    """The checkpoint isn't usable for this job."""


ANOTHER_JOB = (
    "another job uses the same archive.checkpoint and was first with this batch: it goes on, this one ends, and nothing is lost "
    "or archived twice; run one job per checkpoint"
)


@dataclass(frozen=True)
class LoggedBatch:
    """One entry of Spark's offset log: the batch's time and the end offset of the source."""

    timestamp: str
    end: dict[str, Any]


def claim(checkpoint: Storage, archive_uri: str) -> None:
    """Tie the checkpoint to the archive. Raises CheckpointError where it belongs to another one."""
    try:
        checkpoint.put(_ARCHIVE, json.dumps({"uri": archive_uri}).encode())
    except ObjectExists:
        owner = archive_of(checkpoint)
        if owner != archive_uri:
            raise CheckpointError(
                f"archive.checkpoint {checkpoint.uri} belongs to the archive {owner}, not to {archive_uri}: "
                "give each archive a checkpoint of its own"
            ) from None


def archive_of(checkpoint: Storage) -> str | None:
    """The archive that the checkpoint is tied to, None where it is tied to none. Raises CheckpointError where it can't be made out."""
    try:
        return str(json.loads(checkpoint.get(_ARCHIVE))["uri"])
    except ObjectMissing:
        return None
    except (ValueError, LookupError, TypeError) as error:
        raise CheckpointError(
            f"{_ARCHIVE} in the checkpoint {checkpoint.uri} isn't what the job keeps there: restore it, or start with a "
            "new archive.checkpoint"
        ) from error


def query_id(checkpoint: Storage) -> str:
    """The id that Spark gave the checkpoint's query at its first start. Raises CheckpointError where there is none."""
    try:
        return str(json.loads(checkpoint.get("metadata"))["id"])
    except (ObjectMissing, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(
            f"the checkpoint {checkpoint.uri} has no readable metadata: restore it, or start with a new "
            "archive.checkpoint"
        ) from error


def logged_batch(checkpoint: Storage, batch_id: int) -> LoggedBatch:
    """The batch as Spark logged it before it ran. Raises CheckpointError where there is no such entry."""
    try:
        _, metadata, *sources = checkpoint.get(f"offsets/{batch_id}").decode().splitlines()
        time = EPOCH + timedelta(milliseconds=json.loads(metadata)["batchTimestampMs"])
        return LoggedBatch(iso(time), dict(json.loads(sources[0])))
    except (ObjectMissing, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(
            f"the checkpoint {checkpoint.uri} has no readable offsets/{batch_id}: restore it, "
            "or start with a new archive.checkpoint"
        ) from error


def check_unshared(checkpoint: Storage, batch_id: int, logged: LoggedBatch) -> None:
    """Raise CheckpointError where another job has committed the batch since it was ``logged``, or logged it anew.

    On S3 Spark's log has no conditional write: two jobs that log a batch in the same instant both go on.
    """
    if is_committed(checkpoint, batch_id) or logged_batch(checkpoint, batch_id) != logged:
        raise CheckpointError(ANOTHER_JOB)


def sync_logged(checkpoint: Storage, batch_id: int) -> None:
    """Make what Spark logged of a batch survive a crash of the machine; in a directory Spark itself doesn't see to that.

    Called before the batch is archived, for a batch that Spark forgot would be read and archived again under other names.
    Raises StorageError.
    """
    if isinstance(checkpoint, LocalStorage):
        for key in ("metadata", f"offsets/{batch_id}"):
            checkpoint.sync(key)


def is_committed(checkpoint: Storage, batch_id: int) -> bool:
    """Whether Spark has logged the batch as done."""
    return checkpoint.exists(f"commits/{batch_id}")


def committed_batch(checkpoint: Storage) -> int | None:
    """The newest batch that Spark has logged as done, None where there is none."""
    return max(_numbers(checkpoint, "commits/"), default=None)


def logged_ids(checkpoint: Storage) -> list[int]:
    """The batches in Spark's offset log, in any order; it forgets old ones."""
    return _numbers(checkpoint, "offsets/")


def interrupted_batch(checkpoint: Storage) -> int | None:
    """The batch that an earlier run began and didn't finish; there can be one at most.

    Raises CheckpointError where Spark couldn't read which one it finished last.
    """
    _check_newest_commit(checkpoint)
    last = max(logged_ids(checkpoint), default=None)
    return None if last is None or is_committed(checkpoint, last) else last


def _check_newest_commit(checkpoint: Storage) -> None:
    """Spark reads this one at a start; its batch has a delivery record, so replaying it changes nothing."""
    newest = committed_batch(checkpoint)
    if newest is None:
        return
    version, *rest = checkpoint.get(f"commits/{newest}").decode(errors="replace").splitlines() or [""]
    try:
        if version.strip() != "v1":
            raise ValueError(version)
        json.loads(rest[0] if rest else "{}")
    except ValueError as error:
        raise CheckpointError(
            f"commits/{newest} in the checkpoint {checkpoint.uri} isn't what Spark keeps there: delete it, and "
            f"commits/.{newest}.crc where there is one; then the next start finds batch {newest} archived and marks it as done"
        ) from error


def latest_batches(checkpoint: Storage) -> list[Batch]:
    """The newest batch that Spark has logged, and the one before it; empty at a checkpoint's beginning."""
    latest = sorted(logged_ids(checkpoint), reverse=True)[:2]
    if not latest:
        return []
    of = query_id(checkpoint)
    return [Batch("stream", of, number, logged_batch(checkpoint, number).timestamp) for number in latest]


def _numbers(checkpoint: Storage, folder: str) -> list[int]:
    names = (key.removeprefix(folder) for key in checkpoint.list(folder))
    return [int(name) for name in names if name.isdecimal()]
