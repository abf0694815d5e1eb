"""A new checkpoint that reads again from an instant; the old one stays as it is."""

from datetime import datetime

from jobs.checkpoint import CheckpointError, claim
from jobs.doctor.checkpoint import read_checkpoint
from jobs.instants import from_iso, iso
from jobs.settings import Settings
from jobs.sources.kinesis import kinesis_client, load_or_keep_start
from jobs.sources.kinesis.offsets import TRIM_HORIZON, from_json

_WARNING = (
    "Warning: what is archived already and is read again will be in the archive twice, in new objects beside the old "
    "ones; verify tells of it."
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
    start = load_or_keep_start(checkpoint, client, settings.source.stream, to, at)
    claim(checkpoint, conf.open_archive().uri)
    return [
        f"New checkpoint: {uri}, {_reads(settings.source.stream, start, to)}. {conf.checkpoint} stays as it is.",
        f'To use it: stop the job, set archive.checkpoint = "{uri}", start the job.',
        _WARNING,
    ]


def _reads(stream: str, start: str, to: str) -> str:
    instant = iso(from_iso(to))
    if TRIM_HORIZON in from_json(start).values():
        return f"reads all that stream {stream} still holds, which begins after {instant}"
    return f"reads stream {stream} from {instant} on"


def rewound_uri(checkpoint: str, to: str) -> str:
    """Where the new checkpoint is.

    >>> rewound_uri("s3://b/checkpoint/", "2026-03-01T12:00:00+01:00")
    's3://b/checkpoint-from-2026-03-01T11-00-00.000Z'
    """
    return f"{checkpoint.rstrip('/')}-from-{iso(from_iso(to)).replace(':', '-')}"
