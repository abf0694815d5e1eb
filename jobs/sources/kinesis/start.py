"""Where a new checkpoint begins: resolved once, kept beside it, the same ever after.

Spark logs a batch's end only. A replay of batch 0 asks for the initial offset again, and rows would vanish silently
if that had moved meanwhile, so it is kept before the first read.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import structlog

from jobs.instants import from_iso, iso
from jobs.sinks.failures import ObjectExists, ObjectMissing
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.answers import explained
from jobs.sources.kinesis.api import describe, list_shards
from jobs.sources.kinesis.errors import BadOption, BadStart, KinesisUnavailable, OtherStream, Transient
from jobs.sources.kinesis.offsets import TRIM_HORIZON, Offset, Position, at, from_json, ordered, to_json

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

log = structlog.get_logger()

KEPT_START = "kinesis/start.json"


def resolve_start(client: "KinesisClient", stream: str, start: str, now: datetime) -> Offset:
    """The offset that ``start`` (LATEST, TRIM_HORIZON or an ISO-8601 instant) means at ``now``.

    It names every shard that the stream lists, closed ones too, so that none of them is later taken for a new child
    and read from its beginning. Raises BadStart, StreamMissing, KinesisUnavailable.
    """
    with asking(stream):
        summary = describe(client, stream)
        shards = list_shards(client, stream)
    horizon = now - timedelta(hours=summary["RetentionPeriodHours"])
    position = _position(start, min(now, server_clock(summary, now)), horizon)
    return ordered(dict.fromkeys(shards, position))


def load_or_keep_start(
    storage: Storage, client: "KinesisClient", stream: str, start: str, now: datetime
) -> str:
    """The checkpoint's start, for option ``initialOffset``; the first call resolves and keeps it.

    ``storage`` is rooted at the checkpoint directory. Raises OtherStream where the checkpoint was begun on another
    stream, on an earlier stream of the same name, or by another source; else what resolve_start raises.
    """
    if not storage.exists(KEPT_START):
        _refuse_foreign(storage, stream)
        _keep(storage, _document(client, stream, start, now))
    with asking(stream):
        summary = describe(client, stream)
    kept = kept_start(storage)
    assert kept is not None, "it was kept above, and nobody deletes it"
    _refuse_other(kept, stream, summary)
    return to_json(kept["offset"])


@contextmanager
def asking(stream: str) -> Iterator[None]:
    """Raises botocore's errors as SourceError's children, passing ones as KinesisUnavailable."""
    try:
        with explained(stream):
            yield
    except Transient as error:
        raise KinesisUnavailable(
            f"Kinesis doesn't answer about stream {stream}: {error.code}. "
            "Check the network, AWS_ENDPOINT_URL and source.region."
        ) from error


def kept_start(storage: Storage) -> dict[str, Any] | None:
    """What load_or_keep_start keeps in the checkpoint, None where there is none. Raises OtherStream where it isn't that."""
    try:
        kept: dict[str, Any] = json.loads(storage.get(KEPT_START))
        from_json(json.dumps(kept["offset"]))
        if not {"stream", "arn", "created"} <= kept.keys():
            raise ValueError(KEPT_START)
    except ObjectMissing:
        return None
    except (ValueError, LookupError, TypeError, BadOption) as error:
        raise OtherStream(
            f"{KEPT_START} in the checkpoint {storage.uri} isn't what the job keeps there: restore it, or start with a new "
            "archive.checkpoint"
        ) from error
    return kept


def _document(client: "KinesisClient", stream: str, start: str, now: datetime) -> dict[str, Any]:
    offset = resolve_start(client, stream, start, now)
    with asking(stream):
        summary = describe(client, stream)
    return {
        "stream": stream,
        "arn": summary["StreamARN"],
        "created": iso(summary["StreamCreationTimestamp"]),
        "start": start,
        "resolved": iso(now),
        "offset": offset,
    }


def _keep(storage: Storage, document: Mapping[str, Any]) -> None:
    try:
        storage.put(KEPT_START, json.dumps(document, indent=1).encode())
    except ObjectExists:
        log.info("source.start_kept_by_another", key=KEPT_START)


def _refuse_foreign(storage: Storage, stream: str) -> None:
    if next(iter(storage.list("offsets/")), None) is not None:
        raise OtherStream(
            f"The checkpoint holds batches but no {KEPT_START}: they weren't begun by this source on stream {stream}. "
            "Give the job a new checkpoint (archive.checkpoint), or the source.format that it was begun with."
        )


def _refuse_other(kept: Mapping[str, Any], stream: str, summary: Mapping[str, Any]) -> None:
    if (kept["stream"], kept["arn"]) != (stream, summary["StreamARN"]):
        raise OtherStream(
            f"The checkpoint belongs to stream {kept['arn']}, not to {summary['StreamARN']}. "
            "Give this stream a checkpoint of its own (archive.checkpoint), or set source.stream back."
        )
    if kept["created"] != iso(summary["StreamCreationTimestamp"]):
        raise OtherStream(
            f"Stream {stream} was created at {iso(summary['StreamCreationTimestamp'])}, but the checkpoint belongs to "
            f"the stream of that name created at {kept['created']}: its positions mean nothing in the new one. "
            'Give the new stream a new checkpoint (archive.checkpoint), with source.start = "TRIM_HORIZON": LATEST would pass '
            "over what the new stream holds already. What was unread in the old stream comes back only by python -m "
            "jobs.backfill --from export, from a DynamoDB export."
        )


def _position(start: str, now: datetime, horizon: datetime) -> Position:
    if start in ("LATEST", "TRIM_HORIZON"):
        return at(now) if start == "LATEST" else TRIM_HORIZON
    try:
        instant = from_iso(start)
    except ValueError as error:
        raise BadStart(
            f"source.start is {start!r}: it must be LATEST, TRIM_HORIZON or an ISO-8601 instant "
            "such as 2026-03-01T12:00:00Z."
        ) from error
    if instant > now:
        raise BadStart(
            f"source.start {start} lies in the future: give LATEST, TRIM_HORIZON or an instant that is past."
        )
    if instant <= horizon:
        log.warning("source.start_before_horizon", start=start, oldest=iso(horizon))
        return TRIM_HORIZON
    return at(instant)


def server_clock(summary: Mapping[str, Any], fallback: datetime) -> datetime:
    """Kinesis's clock by the ``date`` of its answer, to the second below, where it is behind ours: records get their arrival times from it."""
    try:
        server = parsedate_to_datetime(summary["date"]).astimezone(UTC)
    except (TypeError, ValueError):
        return fallback
    return server if server + timedelta(seconds=1) < fallback else fallback
