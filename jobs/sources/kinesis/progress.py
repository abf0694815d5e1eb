"""The side file in which the reader says how far it is: the driver's lag figure, and evidence for a restart.

The reader runs in another process than the driver, on the same machine, and an offset can't carry this: one that
changed by lag alone would make empty batches. ``docs/source.md`` lists the fields.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from jobs.errors import PipelineError
from jobs.instants import from_iso, iso
from jobs.sinks.failures import ObjectMissing
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.cursor import Cursor
from jobs.sources.kinesis.errors import SourceError
from jobs.sources.kinesis.offsets import Position, reached

log = structlog.get_logger()

KEPT_PROGRESS = "kinesis/progress.json"
# A record is visible to readers a moment after Kinesis acknowledged it to its producer.
SETTLE = timedelta(seconds=1)
_KNOWN_KEPT = 2

Progress = dict[str, Any]


@dataclass
class Evidence:
    """Of each shard, the latest positions and how far it had been read at them."""

    shards: dict[str, list[tuple[Position, datetime | None]]] = field(default_factory=dict)

    def read_to(self, shard: str, position: Position) -> datetime | None:
        """The latest instant before which nothing can be unread at this position, None where that isn't known."""
        known = [at for before, at in self.shards.get(shard, []) if at and reached(position, before)]
        return max(known, default=None)

    def note(self, cursor: Cursor) -> None:
        """Remembers where a cursor is; the position before it stays known, for a batch that must be read again."""
        known = [entry for entry in self.shards.get(cursor.shard, []) if entry[0] != cursor.position]
        self.shards[cursor.shard] = [*known, (cursor.position, cursor.read_to)][-_KNOWN_KEPT:]

    def forget_all_but(self, shards: Iterable[str]) -> None:
        """Drops the shards that are of no interest any more."""
        self.shards = {shard: self.shards[shard] for shard in shards if shard in self.shards}


def evidence_of(progress: Mapping[str, Any] | None) -> Evidence:
    """The evidence in a progress file, none where there is no file."""
    shards = (progress or {}).get("shards", {})
    return Evidence(
        {
            shard: [(position, from_iso(at) if at else None) for position, at in entry["known"]]
            for shard, entry in shards.items()
        }
    )


def write_progress(path: str, progress: Progress) -> None:
    """Replaces the file atomically. Raises SourceError."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(progress, separators=(",", ":")), encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        raise SourceError(
            f"the progress file {target} can't be written ({error.strerror}): see to the disk, then go on"
        ) from error


def read_progress(path: str | Path) -> Progress | None:
    """The newest progress, None where nothing has been read yet (or the file isn't one)."""
    try:
        progress = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return progress if isinstance(progress, dict) else None


def caught_up(progress: Progress | None, since: datetime) -> bool:
    """Whether all that the stream held at ``since`` has been read **and** its batches are done.

    True says that the query may be stopped at once. It takes an empty answer at the tip of every open shard, asked
    after ``since``, or a record that arrived after it, and every closed shard read to its end, children included.
    """
    if progress is None:
        return False
    done = progress.get("committedTo")
    return done is not None and from_iso(done) >= since + SETTLE


def keep_progress(storage: Storage, path: str | Path) -> None:
    """Copies the side file to the checkpoint: call it every few minutes and at the end of the run.

    Where that fails, a log line says so and the job goes on: only a restart after the retention period may ask for it.
    """
    progress = read_progress(path)
    if progress is None:
        return
    body = json.dumps(progress, separators=(",", ":")).encode()
    try:
        stored = storage.stat(KEPT_PROGRESS)
        if stored is None:
            storage.put(KEPT_PROGRESS, body)
        else:
            storage.replace(KEPT_PROGRESS, body, stored.version)
    except PipelineError as error:
        log.warning("source.progress_not_kept", reason=error.message)


def restore_progress(storage: Storage, path: str | Path) -> None:
    """Makes the side file anew from the checkpoint, before the query starts. Raises SourceError."""
    Path(path).unlink(missing_ok=True)
    progress = _kept(storage)
    if progress is not None:
        write_progress(str(path), progress)


def kept_evidence(storage: Storage) -> Evidence:
    """The evidence that the checkpoint keeps for the next start. Raises SourceError."""
    return evidence_of(_kept(storage))


def _kept(storage: Storage) -> Progress | None:
    try:
        progress: Progress = json.loads(storage.get(KEPT_PROGRESS))
        if not isinstance(progress, dict):
            raise ValueError(KEPT_PROGRESS)
        evidence_of(progress)
    except ObjectMissing:
        return None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{KEPT_PROGRESS} in the checkpoint {storage.uri} isn't what the job keeps there: delete it and start again; it "
            "only serves to tell idle shards from trimmed ones"
        ) from error
    return progress


def snapshot(
    stream: str,
    cursors: Mapping[str, Cursor],
    evidence: Evidence,
    *,
    time: datetime,
    records: int,
    data_bytes: int,
    pending: list[str],
    committed_to: datetime | None,
) -> Progress:
    """What goes into the file after a read."""
    read_to = everything_read_to(cursors, pending, time)
    lags = [cursor.lag_ms for cursor in cursors.values() if not cursor.ended and cursor.lag_ms is not None]
    return {
        "stream": stream,
        "time": iso(time),
        "records": records,
        "bytes": data_bytes,
        "lagMs": max(lags, default=0 if not pending and all(c.ended for c in cursors.values()) else None),
        "readTo": iso(read_to) if read_to else None,
        "committedTo": iso(committed_to) if committed_to else None,
        "pending": pending,
        "shards": {shard: _shard(cursor, evidence) for shard, cursor in sorted(cursors.items())},
        "losses": [loss for cursor in cursors.values() for loss in cursor.losses],
    }


def _shard(cursor: Cursor, evidence: Evidence) -> Progress:
    known = [(position, iso(at) if at else None) for position, at in evidence.shards.get(cursor.shard, [])]
    return {"lagMs": cursor.lag_ms, "ended": cursor.ended, "known": known}


def everything_read_to(cursors: Mapping[str, Cursor], pending: list[str], time: datetime) -> datetime | None:
    """The instant before which nothing is unread in any shard, None while a shard's isn't known."""
    instants = [cursor.read_to for cursor in cursors.values() if not cursor.ended]
    if pending or None in instants:
        return None
    return min((instant for instant in instants if instant), default=time)
