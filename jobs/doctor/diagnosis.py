"""What the doctor says: where the checkpoint stands, and whether the next start works."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from jobs.checkpoint import CheckpointError
from jobs.doctor.checkpoint import CheckpointState, read_checkpoint
from jobs.doctor.stream import ShardState, StreamState, look_at_stream
from jobs.doctor.words import in_words
from jobs.errors import PipelineError
from jobs.instants import from_iso, iso
from jobs.settings import Settings, SourceSettings
from jobs.sinks.deliveries import read_delivery_record
from jobs.sinks.local import LocalStorage
from jobs.sinks.storage import Storage
from jobs.sources.kinesis import kinesis_client, load_or_keep_start, resolve_start
from jobs.sources.kinesis.errors import AFTERWARDS, OtherStream
from jobs.sources.kinesis.offsets import SHARD_END, Position, is_sequence

NEAR = 0.25
GOING_ON = (
    f"to go on with what is left, start once with --set source.fail_on_data_loss=false, {AFTERWARDS}; "
    "to read anew from an instant, use --rewind"
)


@dataclass
class Diagnosis:
    """Lines that tell how things are, warnings, and problems: with one of these the next start fails."""

    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    outlook: str = ""

    def lines(self) -> Iterator[str]:
        """All of it, for people."""
        yield from self.facts
        yield from (f"Warning: {warning}" for warning in self.warnings)
        if not self.problems:
            yield f"Next start: works; {self.outlook}"
            return
        yield "Next start: fails"
        yield from (f"  {problem}" for problem in self.problems)


def diagnose(settings: Settings, at: datetime) -> Diagnosis:
    """Look at the archive, the checkpoint and the stream; ``at`` is the present."""
    diagnosis = Diagnosis()
    archive, checkpoint = settings.archive.open_archive(), settings.archive.open_checkpoint()
    diagnosis.facts.append(f"Checkpoint: {checkpoint.uri}, for the archive {archive.uri}")
    try:
        _check_usable(archive)
        _check_usable(checkpoint)
        state = read_checkpoint(checkpoint)
        if state.owner not in (None, archive.uri):
            raise CheckpointError(
                f"the checkpoint belongs to the archive {state.owner}: set archive.uri to that, or archive.checkpoint to "
                "one of its own"
            )
        _tell_batch(diagnosis, state, archive, at)
        if settings.source.format == "kinesis":
            _tell_stream(diagnosis, settings.source, checkpoint, state, at)
        else:
            _tell_connector(diagnosis, state)
    except PipelineError as error:
        diagnosis.problems.append(error.message)
    return diagnosis


def _check_usable(storage: Storage) -> None:
    # In a directory that isn't there yet the check would make it.
    if not isinstance(storage, LocalStorage) or Path(storage.directory).is_dir():
        storage.check()


def _tell_batch(diagnosis: Diagnosis, state: CheckpointState, archive: Storage, at: datetime) -> None:
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
    elif read_delivery_record(archive, batch) is not None:
        diagnosis.facts.append(f"{told}archived, but not yet marked as done")
        diagnosis.outlook = f"marks batch {batch.batch_id} as done and goes on"
    else:
        diagnosis.facts.append(f"{told}begun, but not finished")
        diagnosis.outlook = f"runs batch {batch.batch_id} again, with the same change events, and goes on"


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
    diagnosis: Diagnosis, source: SourceSettings, checkpoint: Storage, state: CheckpointState, at: datetime
) -> None:
    client = kinesis_client(source.region)
    if state.is_new:
        offset = resolve_start(client, source.stream, source.start, at)
        diagnosis.facts.append("No job has used this checkpoint yet.")
        diagnosis.outlook = (
            f"makes the checkpoint and begins at source.start, {source.start}, of stream {source.stream}"
        )
        if source.start == "LATEST":
            diagnosis.outlook += ": what is in the stream by then is not archived"
    else:
        load_or_keep_start(checkpoint, client, source.stream, source.start, at)
        assert state.settled is not None, "there is a start"
        offset = state.settled
    stream = look_at_stream(source.stream, source.region, offset, state.evidence)
    diagnosis.facts += _told(source, state, stream, at)
    _judge(diagnosis, source, stream, at)


def _told(source: SourceSettings, state: CheckpointState, stream: StreamState, at: datetime) -> Iterator[str]:
    start = state.start
    begun = f", read since {start['start']} ({start['resolved']})" if start and "resolved" in start else ""
    keeps = in_words(stream.retention)
    yield f"Stream: {source.stream}, keeps records for {keeps}, {len(stream.shards)} shards{begun}"
    yield from (f"  {shard.shard}: {_of_shard(shard, stream, at)}" for shard in stream.shards)


def _of_shard(shard: ShardState, stream: StreamState, at: datetime) -> str:
    if shard.waits:
        return "waits for its parent shards to be read"
    if shard.position == SHARD_END:
        return "read to its end"
    read = _of_position(shard.position, shard.read_to, at)
    if shard.loss:
        return f"{read}; records after it are lost or may be"
    if shard.oldest_unread is None:
        return f"{read}; nothing unread"
    left = in_words(shard.oldest_unread + stream.retention - at)
    return f"{read}; {in_words(shard.behind or timedelta())} behind, its oldest unread record is kept for {left} more"


def _of_position(position: Position, read_to: datetime | None, at: datetime) -> str:
    """The position and its age: how long ago nothing lay after it that had arrived."""
    if is_sequence(position):
        return f"read to {position}, {f'{in_words(at - read_to)} old' if read_to else 'of unknown age'}"
    return f"not read yet, begins at {position['at'] if isinstance(position, dict) else position}"


def _judge(diagnosis: Diagnosis, source: SourceSettings, stream: StreamState, at: datetime) -> None:
    if stream.losses and source.fail_on_data_loss:
        diagnosis.problems += [*stream.losses, f"What to do: {GOING_ON}"]
    else:
        allowed = "source.fail_on_data_loss is false, so the job goes on without them"
        diagnosis.warnings += [f"{loss} ({allowed})" for loss in stream.losses]
    oldest = stream.oldest_unread
    if oldest is None:
        return
    left = oldest + stream.retention - at
    diagnosis.outlook += f"; {in_words(stream.behind or timedelta())} of the stream are to be read"
    if left < NEAR * stream.retention:
        diagnosis.warnings.append(
            f"the oldest unread records expire in {in_words(left)}: start the job before {iso(oldest + stream.retention)}, or "
            "lengthen the stream's retention period"
        )
