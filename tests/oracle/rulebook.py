"""One change event through the steps of the rules (section 2), in their order."""

import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
from fastavro.validation import validate

from tests.oracle import iso
from tests.oracle.attributes import read_record
from tests.oracle.failure import Failure
from tests.oracle.strict_json import Number, has_lone_surrogate, parse

SCHEMAS = Path(__file__).parents[2] / "schemas"
TYPES = ("demand", "notification", "event", "sale")
SYSTEM_USER_ID = r"(?P<id>[^.:|]+)[.:|](?P<databaseId>[^.:|]+)[.:|](?P<memberId>[^.:|]+)"
_PII = ("phoneNumber", "email", "messageBody")


@dataclass(frozen=True)
class Archived:
    """The change event becomes this record, in the data of `type` and `partition_date`."""

    type: str
    partition_date: str
    record: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """The change event ends in an archive error, for this reason."""

    reason: str
    type: str = ""
    field: str = ""


@dataclass(frozen=True)
class Envelope:
    """What the steps need of a change event besides its image."""

    id: str | None
    name: str
    micros: int | None


def judge(
    data: bytes,
    sequence_number: str | None,
    batch_time: str,
    *,
    pattern: str = SYSTEM_USER_ID,
    schemas: Path = SCHEMAS,
) -> Archived | Failed:
    """What must become of the payload `data`; `batch_time` is the batch's time, `2026-03-01T12:34:56.789Z`."""
    try:
        return _judge(data, sequence_number, batch_time, pattern, schemas)
    except Failure as failure:
        return Failed(failure.reason, failure.type, failure.field)


def archive(
    rows: Iterable[tuple[str, str, bytes]], batch_time: str
) -> tuple[dict[tuple[str, str], list[dict[str, Any]]], dict[Failed, list[bytes]]]:
    """The records by type and partition date and the payloads by failure, for rows (shardId, sequenceNumber, data).

    Both in stream order: by shard, then by sequence number.
    """
    records: dict[tuple[str, str], list[dict[str, Any]]] = {}
    failures: dict[Failed, list[bytes]] = {}
    for _, number, data in sorted(rows, key=lambda row: (row[0], int(row[1]))):
        verdict = judge(data, number, batch_time)
        if isinstance(verdict, Archived):
            records.setdefault((verdict.type, verdict.partition_date), []).append(verdict.record)
        else:
            failures.setdefault(verdict, []).append(data)
    return records, failures


def _judge(data: bytes, number: str | None, batch_time: str, pattern: str, schemas: Path) -> Archived:
    event = parse(data)
    image, envelope = _image(event), _envelope(event)
    type_ = _type(image)
    schema = schema_of(type_, schemas)
    record = read_record(image, schema, type_)
    _mark_deleted(record, envelope, batch_time)
    _scrub(record)
    if type_ == "demand":
        record["system"] = _system(record["systemUserId"], pattern)
    record["reference"] = _reference(record, type_, batch_time)
    record["change"] = _change(envelope, number)
    return Archived(type_, _partition_date(record, type_, batch_time), _as_avro(record, schema))


def _image(event: dict[str, Any]) -> dict[str, Any]:
    """BR-001."""
    name = event.get("eventName")
    if name not in ("INSERT", "MODIFY", "REMOVE"):
        raise Failure("eventName missing" if name is None else "eventName unknown")
    section = event.get("dynamodb")
    which = "OldImage" if name == "REMOVE" else "NewImage"
    image = section.get(which) if isinstance(section, dict) else None
    if not isinstance(image, dict):
        raise Failure("image missing" if image is None else "image not a map", "", which)
    return image


def _envelope(event: dict[str, Any]) -> Envelope:
    section = event["dynamodb"]
    created = section.get("ApproximateCreationDateTime")
    precision = section.get("ApproximateCreationDateTimePrecision")
    micros = iso.creation_micros(created.text, precision) if isinstance(created, Number) else None
    if micros is not None and iso.with_micros(micros) is None:
        micros = None
    event_id = event.get("eventID")
    return Envelope(event_id if isinstance(event_id, str) else None, event["eventName"], micros)


def _type(image: dict[str, Any]) -> str:
    """BR-002."""
    attribute = image.get("type")
    for type_ in TYPES:
        if attribute == {"S": type_}:
            return type_
    raise Failure("type missing or unknown")


def _mark_deleted(record: dict[str, Any], envelope: Envelope, batch_time: str) -> None:
    """BR-004."""
    if envelope.name == "REMOVE":
        deleted = batch_time if envelope.micros is None else iso.with_millis(envelope.micros)
        record["isDeleted"] = True
        record["date"] = {**(record["date"] or {}), "deleted": deleted}


def _scrub(record: dict[str, Any]) -> None:
    """BR-005 and BR-019."""
    record["isDeleted"] = record["isDeleted"] or None
    if record["isDeleted"]:
        record.update({name: "[redacted]" for name in _PII if record.get(name) is not None})


def _system(user: str | None, pattern: str) -> dict[str, str] | None:
    """BR-007."""
    match = re.fullmatch(pattern, user) if user is not None else None
    return match.groupdict() if match else None


def _reference(record: dict[str, Any], type_: str, batch_time: str) -> dict[str, str]:
    """BR-006."""
    dates = record["date"] or {}
    parts: tuple[str, ...]
    if type_ == "demand":
        parts = (record["eventId"], record["saleId"], record["fanId"])
        known = [
            (moment, text) for text in dates.values() if text and (moment := iso.instant(text)) is not None
        ]
        timestamp = max(known, key=lambda pair: pair[0])[1] if known else batch_time
    elif type_ == "sale":
        parts = (record["eventId"], record["id"])
        timestamp = _first(dates.get("deleted"), record["saleStartDateTime"], batch_time)
    else:
        parts = (
            (record["id"],) if type_ == "event" else (record["eventId"], record["saleId"], record["fanId"])
        )
        timestamp = _first(dates.get("deleted"), dates.get("updated"), batch_time)
    return {"id": "_".join(parts), "timestamp": timestamp}


def _first(*values: str | None) -> str:
    return next(value for value in values if value is not None)


def _change(envelope: Envelope, number: str | None) -> dict[str, str | None]:
    if envelope.id is not None and has_lone_surrogate(envelope.id):
        raise Failure("lone surrogate", "", "eventID")
    time = None if envelope.micros is None else iso.with_micros(envelope.micros)
    return {"id": envelope.id, "name": envelope.name, "time": time, "sequenceNumber": number}


def _partition_date(record: dict[str, Any], type_: str, batch_time: str) -> str:
    """BR-008 to BR-011."""
    if type_ == "demand":
        field, text = "date.requested", record["date"]["requested"]
    elif type_ == "notification":
        field, text = "date.created", record["date"]["created"]
    elif type_ == "sale":
        field, text = "saleStartDateTime", record["saleStartDateTime"]
    else:
        field, text = "date.firstSeen", (record["date"] or {}).get("firstSeen")
        if text is None:
            start = (record["eventDate"] or {}).get("start") or {}
            field, text = "eventDate.start.dateTime", start.get("dateTime")
    day = iso.utc_date(batch_time if text is None else text)
    if day is None:
        raise Failure("not an ISO-8601 date", type_, field)
    return day


@cache
def schema_of(type_: str, schemas: Path = SCHEMAS) -> Any:
    """The `.avsc` of a record type."""
    return json.loads((schemas / f"{type_}.avsc").read_text(encoding="utf-8"))


def _as_avro(record: dict[str, Any], schema: Any) -> dict[str, Any]:
    """The record as a reader of the container gets it, validated."""
    parsed = fastavro.parse_schema(schema)
    validate(record, parsed, strict=True)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, parsed, record)
    buffer.seek(0)
    read = fastavro.schemaless_reader(buffer, parsed, None)
    assert isinstance(read, dict)
    return read
