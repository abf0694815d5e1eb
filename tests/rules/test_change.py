"""change: the event's id, name, time and sequence number, which make the audit trail orderable (BR-020)."""

import json

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from tests.rules.change_events import BATCH_TIME, IMAGES, Outcomes, archived, payload, sale, source_frame
from transforms.add_system import SystemUserIdPattern
from transforms.outcomes import records

ID = "4f9b1f7a-1111-2222-3333-444455556666"
DESTINATION = {
    "awsRegion": "eu-west-1", "eventID": ID, "eventName": "INSERT", "userIdentity": None,
    "recordFormat": "application/json", "tableName": "fan-demand",
    "dynamodb": {
        "ApproximateCreationDateTime": 1772368496789012, "ApproximateCreationDateTimePrecision": "MICROSECOND",
        "Keys": {"pk": {"S": "SALE#s1"}}, "NewImage": sale(), "SizeBytes": 400,
    },
    "eventSource": "aws:dynamodb",
}  # fmt: skip
LAMBDA = {
    "eventID": "c0ffee", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
    "eventName": "REMOVE",
    "dynamodb": {
        "ApproximateCreationDateTime": 1772368496, "Keys": {"pk": {"S": "SALE#s1"}}, "OldImage": sale(),
        "SequenceNumber": "100000000000123", "SizeBytes": 400, "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
    "eventSourceARN": "arn:aws:dynamodb:eu-west-1:555500000001:table/fan-demand/stream/2026-02-01T00:00:00.000",
}  # fmt: skip


def with_id(value: object) -> bytes:
    return payload({**DESTINATION, "eventID": value})


CASES = {
    "destination": payload(DESTINATION),
    "lambda": payload(LAMBDA),
    "bare": payload({"eventName": "MODIFY", "dynamodb": {"NewImage": sale()}}),
    "id null": with_id(None),
    "id empty": with_id(""),
    "id of any characters": with_id('"\\ü\U0001f3ab\u2028'),
    "id of question marks": payload(
        {**DESTINATION, "eventID": "??", "dynamodb": {"NewImage": {**sale(), "unknown": {"S": "\ud83c"}}}}
    ),
    "id like an escape": payload(
        {
            **DESTINATION,
            "eventID": "?\\ud83c",
            "dynamodb": {"NewImage": {**sale(), "unknown": {"S": "\ud83c"}}},
        }
    ),
    "half an emoji": with_id("\ud83c"),
    "half an emoji behind a whole one": with_id("?\U0001f3ab\ud83c"),
    **{type_: payload({**DESTINATION, "dynamodb": {"NewImage": make()}}) for type_, make in IMAGES.items()},
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


def test_dynamodb_s_own_kinesis_destination(outcomes: Outcomes) -> None:
    assert outcomes["destination"].record["change"] == {
        "id": ID,
        "name": "INSERT",
        "time": "2026-03-01T12:34:56.789012Z",
        "sequenceNumber": "0",
    }


def test_dynamodb_streams_as_handed_to_a_lambda(outcomes: Outcomes) -> None:
    assert outcomes["lambda"].record["change"] == {
        "id": "c0ffee",
        "name": "REMOVE",
        "time": "2026-03-01T12:34:56.000000Z",
        "sequenceNumber": "1",
    }


def test_what_the_event_does_not_say_is_null(outcomes: Outcomes) -> None:
    due = {"id": None, "name": "MODIFY", "time": None, "sequenceNumber": "2"}
    assert outcomes["bare"].record["change"] == due
    assert outcomes["id null"].record["change"]["id"] is None


@pytest.mark.parametrize(
    ("case", "due"),
    [
        ("id empty", ""),
        ("id of any characters", '"\\ü\U0001f3ab\u2028'),
        ("id of question marks", "??"),
        ("id like an escape", "?\\ud83c"),
    ],
)
def test_the_id_is_the_event_s_whatever_it_is(case: str, due: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["change"]["id"] == due


@pytest.mark.parametrize("case", ["half an emoji", "half an emoji behind a whole one"])
def test_an_id_that_is_no_text_is_an_archive_error(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].message == "eventID is not a string of Unicode characters (BR-020)"


def test_an_archive_error_holds_the_id_that_is_no_text(outcomes: Outcomes) -> None:
    assert json.loads(outcomes["half an emoji"].event or "")["eventID"] == "\ud83c"


@pytest.mark.parametrize("type_", IMAGES)
def test_every_record_ends_with_its_change(type_: str, outcomes: Outcomes) -> None:
    assert list(outcomes[type_].record)[-1] == "change"
    assert outcomes[type_].record["change"]["id"] == ID


def test_an_export_has_no_sequence_number(spark: SparkSession) -> None:
    given = source_frame(spark, CASES["destination"]).withColumn("sequenceNumber", F.lit(None).cast("string"))
    found = records(given, schemas.load(), F.lit(BATCH_TIME), SystemUserIdPattern.of())
    row = found.select("message", "`change.id`", "`change.sequenceNumber`").first()
    assert row is not None
    assert tuple(row) == (None, ID, None)
