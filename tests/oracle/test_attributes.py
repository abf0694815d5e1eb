"""BR-003 as the oracle has it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Archived, Failed, judge
from tests.oracle.examples import BATCH_TIME, dates, event, image
from tests.oracle.rulebook import SCHEMAS


@pytest.mark.parametrize(
    "value",
    [None, "x", 5, True, [], {}, {"X": "y"}, {"S": "x", "N": "1"}, {"S": "x", "y": 1}, {"S": 5}, {"S": None}, {"NULL": False},
     {"N": "one"}, {"B": "%"}, {"BOOL": "true"}, {"SS": [1]}, {"M": []}, {"L": {}}],
)  # fmt: skip
def test_what_is_no_dynamodb_value_fails_even_where_it_is_optional(value: Any) -> None:
    assert judge(event(image("demand", email=value)), "1", BATCH_TIME) == Failed(
        "not a DynamoDB value", "demand", "email"
    )


@pytest.mark.parametrize(
    "value", [{"N": "5"}, {"BOOL": True}, {"B": "AAE="}, {"SS": ["x"]}, {"M": {}}, {"L": []}]
)
def test_another_dynamodb_type_than_the_schemas_fails(value: Any) -> None:
    assert judge(event(image("demand", email=value)), "1", BATCH_TIME) == Failed(
        "wrong DynamoDB type", "demand", "email"
    )


def test_date_sent_as_s_fails() -> None:
    data = event(image("demand", date={"S": "2026-03-01"}))
    assert judge(data, "1", BATCH_TIME) == Failed("wrong DynamoDB type", "demand", "date")


@pytest.mark.parametrize(
    ("type_", "field"),
    [("demand", "fanId"), ("demand", "requestedDateTime"), ("demand", "date"), ("notification", "date"), ("event", "id"),
     ("sale", "saleStartDateTime")],
)  # fmt: skip
def test_a_required_attribute_that_is_missing_or_null_fails(type_: str, field: str) -> None:
    without = {name: value for name, value in image(type_).items() if name != field}
    for attributes in (without, without | {field: {"NULL": True}}):
        assert judge(event(attributes), "1", BATCH_TIME) == Failed("missing", type_, field)


def test_the_first_failing_field_in_schema_order_counts() -> None:
    broken = {
        name: value for name, value in image("demand", fanId={"N": "1"}, email=5).items() if name != "date"
    }
    assert judge(event(broken), "1", BATCH_TIME) == Failed("wrong DynamoDB type", "demand", "fanId")
    assert judge(event(broken | {"fanId": {"S": "f"}}), "1", BATCH_TIME) == Failed(
        "not a DynamoDB value", "demand", "email"
    )


def test_null_on_an_optional_attribute_is_absent_and_an_empty_string_is_not() -> None:
    verdict = judge(event(image("demand", email={"NULL": True}, phoneNumber={"S": ""})), "1", BATCH_TIME)
    assert isinstance(verdict, Archived)
    assert (verdict.record["email"], verdict.record["phoneNumber"]) == (None, "")


def test_attributes_that_no_schema_knows_and_our_own_are_not_looked_into() -> None:
    noise = {
        "unknown": 5,
        "reference": {"S": "mine"},
        "system": None,
        "change": {"X": 1},
        "lone": {"S": "\ud83d"},
    }
    assert judge(event(image("demand", **noise)), "1", BATCH_TIME) == judge(
        event(image("demand")), "1", BATCH_TIME
    )


def test_a_lone_surrogate_in_an_archived_string_fails() -> None:
    data = event(image("sale", name={"S": "half \ud83d"}))
    assert judge(data, "1", BATCH_TIME) == Failed("lone surrogate", "sale", "name")


def test_date_updated_of_an_event_is_required_only_where_the_image_has_a_date() -> None:
    incomplete = event(image("event", date=dates(firstSeen="2026-03-01")))
    assert judge(incomplete, "1", BATCH_TIME) == Failed("missing", "event", "date.updated")
    removed = judge(event(image("event"), "REMOVE", ApproximateCreationDateTime=1772366400), "1", BATCH_TIME)
    assert isinstance(removed, Archived)
    assert removed.record["date"] == {
        "firstSeen": None,
        "updated": None,
        "deleted": "2026-03-01T12:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("avro", "value", "read"),
    [
        ("long", {"N": "9223372036854775807"}, 9223372036854775807),
        ("long", {"N": "1.5E+1"}, 15),
        ("long", {"N": "1.5"}, None),
        ("long", {"N": "9223372036854775808"}, None),
        ("long", {"S": "1"}, None),
        ("double", {"N": "0.1"}, 0.1),
        ("boolean", {"BOOL": False}, False),
        ("bytes", {"B": "AAE="}, b"\x00\x01"),
        ({"type": "array", "items": "string"}, {"SS": ["a", "b"]}, ["a", "b"]),
        ({"type": "array", "items": "string"}, {"L": [{"S": "a"}]}, ["a"]),
        ({"type": "array", "items": "string"}, {"L": [{"N": "1"}]}, None),
        ({"type": "array", "items": "string"}, {"L": [{"NULL": True}]}, None),
        ({"type": "array", "items": "long"}, {"NS": ["1", "2"]}, [1, 2]),
        ({"type": "map", "values": "string"}, {"M": {"k": {"S": "v"}}}, {"k": "v"}),
    ],
)
def test_an_attribute_added_to_a_schema_is_read_as_its_avro_type(
    tmp_path: Path, avro: Any, value: Any, read: Any
) -> None:
    schema = json.loads((SCHEMAS / "sale.avsc").read_text())
    schema["fields"].append({"name": "added", "type": ["null", avro], "default": None})
    (tmp_path / "sale.avsc").write_text(json.dumps(schema))
    verdict = judge(event(image("sale", added=value)), "1", BATCH_TIME, schemas=tmp_path)
    if read is None:
        assert verdict == Failed("wrong DynamoDB type", "sale", "added")
    else:
        assert isinstance(verdict, Archived)
        assert verdict.record["added"] == read
