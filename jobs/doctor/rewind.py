"""A new checkpoint that reads again from an instant; the old one stays as it is."""

from datetime import datetime, timedelta

from jobs.checkpoint import CheckpointError, claim
from jobs.doctor.checkpoint import read_checkpoint
from jobs.doctor.stream import ShardState, look_at_stream
from jobs.errors import PipelineError
from jobs.instants import from_iso, iso
from jobs.plural import plural
from jobs.settings import Settings
from jobs.sources.kinesis import kinesis_client, load_or_keep_start
from jobs.sources.kinesis.errors import BadStart
from jobs.sources.kinesis.offsets import TRIM_HORIZON, from_json

# Arrival times are approximate; a backfill that begins too early takes nothing twice.
_CLOCK = timedelta(seconds=1)
_WARNING = (
    "Warning: what is archived already and is read again will be in the archive twice, in new objects beside the old "
    "ones; verify tells of it. Where records are only missing, python -m jobs.backfill --from kinesis archives these from the "
    "stream and nothing twice; it needs no new checkpoint."
)


def rewind(settings: Settings, to: str, at: datetime) -> list[str]:
    """Make the checkpoint beside the present one; what to tell about it. ``to`` is an ISO-8601 instant, ``at`` the present.

    Raises CheckpointError where such a checkpoint is in use, BadStart for the future, and what Kinesis and storage raise.
    """
    conf = settings.archive
    uri = rewound_uri(conf.checkpoint, to)
    checkpoint = conf.model_copy(update={"checkpoint": uri}).open_checkpoint()
    checkpoint.check()
    state = read_checkpoint(checkpoint)
    if state.newest is not None:
        raise CheckpointError(
            f"{uri} is there already and was used up to batch {state.newest.batch_id}: set archive.checkpoint to it to go on "
            "with it, or rewind to another instant"
        )
    client = kinesis_client(settings.source.region)
    try:
        start = load_or_keep_start(checkpoint, client, settings.source.stream, to, at)
    except BadStart as error:
        raise BadStart(f"--rewind {to} lies in the future: give an instant that is past") from error
    claim(checkpoint, conf.open_archive().uri)
    passed_over = _passed_over(settings, from_iso(to), at)
    return [
        f"New checkpoint: {uri}, {_reads(settings.source.stream, start, to)}. {conf.checkpoint} stays as it is.",
        f'To use it: stop the job, set archive.checkpoint = "{uri}", start the job.',
        _WARNING,
        *([passed_over] if passed_over else []),
    ]


def _reads(stream: str, start: str, to: str) -> str:
    instant = iso(from_iso(to))
    if TRIM_HORIZON in from_json(start).values():
        return f"reads all that stream {stream} still holds, which begins after {instant}"
    return f"reads stream {stream} from {instant} on"


def _passed_over(settings: Settings, instant: datetime, at: datetime) -> str | None:
    """A warning where records from before the instant are unread in the present checkpoint, or where that isn't known."""
    old = settings.archive.checkpoint
    try:
        unread = _unread(settings, at)
    except PipelineError as error:
        return (
            f"Warning: what {old} has not read of the time before {iso(instant)} is not known, and the new checkpoint passes "
            f"over it: {error.message}"
        )
    shards = [shard for shard in unread if shard.oldest_unread and shard.oldest_unread < instant]
    if not shards:
        return None
    oldest = min(shard.oldest_unread for shard in shards if shard.oldest_unread)
    has_not = "has not" if any(shard.found for shard in shards) else "may not have"
    return (
        f"Warning: in {plural(len(shards), 'shard')} {old} {has_not} read all records from before {iso(instant)}, and the new "
        "checkpoint passes over them. Once archive.checkpoint is set to it, archive them by python -m jobs.backfill "
        f"--from kinesis --since {iso(oldest - _CLOCK)} --until {iso(instant)}"
    )


def _unread(settings: Settings, at: datetime) -> list[ShardState]:
    """The shards with records that the present checkpoint has not read, those with the oldest first."""
    source, checkpoint = settings.source, settings.archive.open_checkpoint()
    state = read_checkpoint(checkpoint)
    offset = state.unread(archived=state.is_archived(settings.archive.open_archive()))
    if state.start is None or offset is None:
        return []
    load_or_keep_start(checkpoint, kinesis_client(source.region), source.stream, source.start, at)
    return look_at_stream(source.stream, source.region, offset, state.evidence).unread


def rewound_uri(checkpoint: str, to: str) -> str:
    """Where the new checkpoint is.

    >>> rewound_uri("s3://b/checkpoint/", "2026-03-01T12:00:00+01:00")
    's3://b/checkpoint-from-2026-03-01T11-00-00.000Z'
    """
    return f"{checkpoint.rstrip('/')}-from-{iso(from_iso(to)).replace(':', '-')}"
