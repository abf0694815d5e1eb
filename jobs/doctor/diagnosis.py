"""What the doctor says: where the checkpoint stands, and whether the next start works."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import schemas
from jobs.catalog import open_catalog
from jobs.catalog.failures import CatalogUnavailable
from jobs.checkpoint import CheckpointError
from jobs.doctor import telling
from jobs.doctor.checkpoint import CheckpointState, read_checkpoint
from jobs.doctor.interrupted import read_again
from jobs.doctor.stream import StreamState, look_at_stream
from jobs.doctor.verdict import Diagnosis
from jobs.doctor.words import in_words
from jobs.instants import from_iso, iso
from jobs.settings import Settings, SourceSettings
from jobs.sinks.local import LocalStorage
from jobs.sinks.storage import Storage
from jobs.sources.kinesis import SourceError, kinesis_client, load_or_keep_start, resolve_start
from jobs.sources.kinesis.errors import OtherStream
from jobs.sources.kinesis.offsets import Offset

NEAR = 0.25
"""Of the retention period: records with less of it left before they expire are worth a warning."""


def diagnose(settings: Settings, at: datetime) -> Diagnosis:
    """Look at the archive, the checkpoint, the stream and the catalog; ``at`` is the present.

    Raises no PipelineError: what is wrong is a problem or a warning of the diagnosis.
    """
    diagnosis = Diagnosis()
    archive, checkpoint = settings.archive.open_archive(), settings.archive.open_checkpoint()
    diagnosis.facts.append(f"Checkpoint: {checkpoint.uri}, for the archive {archive.uri}")
    with diagnosis.gathering():
        _check_usable(archive)
        _check_usable(checkpoint)
        state = read_checkpoint(checkpoint)
        if state.owner not in (None, archive.uri):
            raise CheckpointError(
                f"the checkpoint belongs to the archive {state.owner}: set archive.uri to that, or archive.checkpoint to "
                "one of its own"
            )
        archived = state.is_archived(archive)
        _tell_batch(diagnosis, state, at, archived=archived)
        if settings.source.format == "kinesis":
            _tell_stream(diagnosis, settings.source, checkpoint, state, at, archived=archived)
        else:
            _tell_connector(diagnosis, state)
    with diagnosis.gathering():
        _tell_catalog(diagnosis, settings, archive)
    return diagnosis


def _check_usable(storage: Storage) -> None:
    if isinstance(storage, LocalStorage):
        # In a directory that isn't there yet the check would make it.
        place = Path(storage.directory)
        storage = LocalStorage(str(next(there for there in (place, *place.parents) if os.path.exists(there))))
    storage.check()


def _tell_batch(diagnosis: Diagnosis, state: CheckpointState, at: datetime, *, archived: bool) -> None:
    batch = state.newest
    if batch is None:
        diagnosis.facts.append("Last batch: none yet")
        diagnosis.outlook = "begins with batch 0"
        return
    ago = in_words(at - from_iso(batch.timestamp))
    told = f"Last batch: {batch.batch_id}, of {batch.timestamp} ({ago} ago), "
    if state.done:
        diagnosis.facts.append(f"{told}done")
        diagnosis.outlook = f"goes on with batch {batch.batch_id + 1}"
    elif archived:
        diagnosis.facts.append(f"{told}archived, but not yet marked as done")
        diagnosis.outlook = f"marks batch {batch.batch_id} as done and goes on"
    else:
        diagnosis.facts.append(f"{told}begun, but not finished")
        diagnosis.outlook = f"runs batch {batch.batch_id} again and goes on"


def _tell_connector(diagnosis: Diagnosis, state: CheckpointState) -> None:
    diagnosis.facts.append(
        "Stream: the connector aws-kinesis keeps the positions; nothing can be said of them here"
    )
    if state.start is not None:
        raise OtherStream(
            "the checkpoint was begun with source.format kinesis: set that back, or give the connector a new "
            "archive.checkpoint"
        )


def _tell_stream(
    diagnosis: Diagnosis,
    source: SourceSettings,
    checkpoint: Storage,
    state: CheckpointState,
    at: datetime,
    *,
    archived: bool,
) -> None:
    offset = state.unread(archived=archived)
    try:
        if state.is_new:
            offset = _tell_new(diagnosis, source, at)
        else:
            load_or_keep_start(checkpoint, kinesis_client(source.region), source.stream, source.start, at)
        assert offset is not None, "there is a start"
        stream = look_at_stream(source.stream, source.region, offset, state.evidence)
    except SourceError:
        if offset is not None:
            diagnosis.facts += telling.of_positions(offset, state.evidence, at)
        raise
    diagnosis.facts += telling.of_stream(source.stream, state.start, stream, at)
    diagnosis.tell_losses(stream.losses, source)
    if not (state.is_new or state.done or archived or stream.losses):
        _tell_interrupted(diagnosis, source, state)
    _tell_unread(diagnosis, stream, at)


def _tell_new(diagnosis: Diagnosis, source: SourceSettings, at: datetime) -> Offset:
    offset = resolve_start(kinesis_client(source.region), source.stream, source.start, at)
    diagnosis.facts.append("No job has used this checkpoint yet.")
    diagnosis.outlook = (
        f"makes the checkpoint and begins at source.start, {source.start}, of stream {source.stream}"
    )
    if source.start == "LATEST":
        diagnosis.outlook += ": what is in the stream by then is not archived"
    return offset


def _tell_interrupted(diagnosis: Diagnosis, source: SourceSettings, state: CheckpointState) -> None:
    assert state.newest is not None, "a batch was begun"
    again = read_again(source, state)
    if again.lost:
        diagnosis.tell_losses([again.lost], source)
        told = ", with what is left of its change events,"
    elif again.doubt:
        diagnosis.doubts.append(again.doubt)
        return
    else:
        told = ", with the same change events,"
    diagnosis.outlook = f"runs batch {state.newest.batch_id} again{told} and goes on"


def _tell_unread(diagnosis: Diagnosis, stream: StreamState, at: datetime) -> None:
    if not stream.unread:
        return
    diagnosis.outlook += f"; {in_words(stream.behind or timedelta())} of the stream are to be read"
    for shard in stream.unread:
        if not shard.found:
            told = telling.of_not_found(shard, stream, at)
            (diagnosis.doubts if shard.unproven else diagnosis.warnings).append(told)
    found = [shard.oldest_unread for shard in stream.unread if shard.found and shard.oldest_unread]
    expires = min(found, default=at) + stream.retention
    if expires - at < NEAR * stream.retention:
        diagnosis.warnings.append(
            f"the oldest unread records expire in {in_words(expires - at)}: start the job before {iso(expires)}, or lengthen "
            "the stream's retention period"
        )


def _tell_catalog(diagnosis: Diagnosis, settings: Settings, archive: Storage) -> None:
    catalog = open_catalog(settings.catalog, archive, schemas.load(), settings.archive.format)
    try:
        catalog.check()
    except CatalogUnavailable as error:
        diagnosis.warnings.append(f"{error.message}; change events are archived all the same")
