"""Change events from short Python dicts, and what the rules make of them.

`insert(sale(name="Presale"))` is the payload of an INSERT of a small, valid sale. Python values stand for DynamoDB
values (str for S, bool for BOOL, int for N, None for NULL, dict for M …), `As` for anything else, `GONE` for nothing.
"""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fastavro
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

import schemas
from schemas import RecordSchema
from transforms.add_system import SystemUserIdPattern
from transforms.outcomes import outcomes

BATCH_TIME = "2026-03-05T06:07:08.009Z"
SHARD = "shardId-000000000000"
GONE = object()
NO_EVENT_NAME = "eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)"
NO_NEW_IMAGE = "dynamodb.NewImage is missing or not a map (BR-001)"
NO_OLD_IMAGE = "dynamodb.OldImage is missing or not a map (BR-001)"
NO_TYPE = "type is missing or not one of demand, notification, event, sale (BR-002)"
Image = dict[str, Any]


@dataclass(frozen=True)
class As:
    """An attribute given as it is in the JSON: a DynamoDB value, or nonsense in the place of one."""

    value: Any


@dataclass(frozen=True)
class Outcome:
    """What became of a change event: a record with its place, or a message with the event's text."""

    type: str | None
    date: str | None
    message: str | None
    record: dict[str, Any]
    event: str | None


Outcomes = Mapping[str, Outcome]


def marshalled(value: Any) -> Any:
    """The DynamoDB value of a Python value."""
    match value:
        case As():
            return value.value
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": base64.b64encode(value).decode()}
        case list():
            return {"L": [marshalled(each) for each in value]}
        case dict():
            return {"M": _members(value)}
    return {"S": value}


def demand(**attributes: Any) -> Image:
    """The image of a small valid demand, with these attributes set."""
    ids = {"fanId": "f1", "eventId": "e1", "saleId": "s1"}
    requested = "2026-03-01T10:00:00Z"
    dates = {"requestedDateTime": requested, "date": {"requested": requested}}
    return _members({"type": "demand", **ids, **dates, **attributes})


def notification(**attributes: Any) -> Image:
    """The image of a small valid notification, with these attributes set."""
    ids = {"fanId": "f1", "eventId": "e1", "saleId": "s1"}
    return _members(
        {"type": "notification", **ids, "date": {"created": "2026-03-02T10:00:00Z"}, **attributes}
    )


def event(**attributes: Any) -> Image:
    """The image of a small valid event, with these attributes set."""
    return _members({"type": "event", "id": "e1", **attributes})


def sale(**attributes: Any) -> Image:
    """The image of a small valid sale, with these attributes set."""
    given = {"id": "s1", "eventId": "e1", "saleStartDateTime": "2026-03-03T10:00:00Z"}
    return _members({"type": "sale", **given, **attributes})


def _members(values: Mapping[str, Any]) -> Image:
    return {name: marshalled(value) for name, value in values.items() if value is not GONE}


IMAGES = {"demand": demand, "notification": notification, "event": event, "sale": sale}
FULL = {
    "demand": demand(
        artistId="a1", eventName="Concert", saleName="Presale", artistName="Nobody", phoneNumber="+15550100",
        email="f1@example.com", contactMethod="sms", demandType="remind", systemUserId="s.d.m", isDeleted=False,
        date={"requested": "2026-03-01", "triggered": "2026-03-02", "notified": "2026-03-03", "deleted": "2026-03-04"},
    ),
    "notification": notification(
        saleName="Presale", messageBody="Soon!", phoneNumber="+15550100", email="f1@example.com",
        date={"created": "2026-03-01", "updated": "2026-03-02", "deleted": "2026-03-03"},
    ),
    "event": event(
        name="Concert", date={"firstSeen": "2026-03-01", "updated": "2026-03-02", "deleted": "2026-03-03"},
        eventDate={"start": {"dateTime": "2026-06-01", "localDate": "2026-06-01"}, "end": {"localDate": "2026-06-02"}},
    ),
    "sale": sale(name="Presale", date={"deleted": "2026-03-03"}),
}  # fmt: skip
"""An image of each type with every attribute that its schema names."""


def insert(image: Any, **dynamodb: Any) -> bytes:
    """An INSERT of the image; `dynamodb` are further members of that section."""
    return change("INSERT", NewImage=image, **dynamodb)


def modify(image: Any, **dynamodb: Any) -> bytes:
    """A MODIFY to the image."""
    return change("MODIFY", NewImage=image, **dynamodb)


def remove(image: Any, **dynamodb: Any) -> bytes:
    """A REMOVE of the image."""
    return change("REMOVE", OldImage=image, **dynamodb)


def change(name: Any, **dynamodb: Any) -> bytes:
    """A change event of that name with that `dynamodb` section."""
    return payload({"eventName": name, "dynamodb": dynamodb})


def payload(value: Any) -> bytes:
    """A JSON value as a Kinesis record's data; half a surrogate pair, which UTF-8 can't hold, as its escape."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def source_frame(spark: SparkSession, *payloads: bytes) -> DataFrame:
    """The source's columns that the steps use, the sequence number counting the payloads."""
    rows = [(bytearray(data), SHARD, str(number)) for number, data in enumerate(payloads)]
    return spark.createDataFrame(rows, "data binary, shardId string, sequenceNumber string")


def archived(
    spark: SparkSession,
    cases: Mapping[str, bytes],
    record_schemas: Mapping[str, RecordSchema] | None = None,
    *,
    pattern: SystemUserIdPattern | None = None,
    batch_time: str = BATCH_TIME,
) -> Outcomes:
    """What becomes of each case, all of them going through the steps together: one row in, one row out."""
    known = record_schemas or schemas.load()
    frame = source_frame(spark, *cases.values())
    made = outcomes(frame, known, F.lit(batch_time), pattern or SystemUserIdPattern.of())
    rows = sorted(made.collect(), key=lambda row: int(row.sequenceNumber))
    assert [int(row.sequenceNumber) for row in rows] == list(range(len(cases))), "one row in, one row out"
    return {name: _outcome(row, known) for name, row in zip(cases, rows, strict=True)}


def _outcome(row: Row, record_schemas: Mapping[str, RecordSchema]) -> Outcome:
    if row.message is None:
        record = fastavro.schemaless_reader(io.BytesIO(row.body), record_schemas[row.type].avro, None)
        assert isinstance(record, dict)
        return Outcome(row.type, row.partitionDate, None, record, None)
    assert row.body[:1] == b","
    (text,) = json.loads(b"[" + row.body[1:] + b"]")
    return Outcome(row.type, row.partitionDate, row.message, {}, text)
