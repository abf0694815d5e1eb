"""Attribute values: an object with exactly one known tag whose JSON value has that tag's type."""

import pytest
from pyspark.sql import SparkSession

from tests.rules.change_events import As, Outcomes, archived, event, insert, modify, payload, sale
from tests.rules.values import NO_VALUES, OF_EVERY_TYPE

STRING = "sale: name is not a DynamoDB S that fits Avro string (BR-003)"
BOOLEAN = "sale: isDeleted is not a DynamoDB BOOL that fits Avro boolean (BR-003)"
MAP = "event: eventDate.start is not a DynamoDB M that fits Avro record (BR-003)"
NESTED = "event: eventDate.start.dateTime is not a DynamoDB S that fits Avro string (BR-003)"
OTHERS = {**OF_EVERY_TYPE, **NO_VALUES}
CASES = {
    **{f"unknown: {what}": insert(sale(unknown=As(value))) for what, value in OTHERS.items()},
    **{f"S: {what}": insert(sale(name=As(value))) for what, value in OTHERS.items()},
    **{f"BOOL: {what}": modify(sale(isDeleted=As(value))) for what, value in OTHERS.items()},
    **{f"M: {what}": insert(event(eventDate={"start": As(value)})) for what, value in OTHERS.items()},
    **{
        f"in M: {what}": insert(event(eventDate={"start": {"dateTime": As(value)}}))
        for what, value in OTHERS.items()
    },
    "NULL": insert(sale(name=None, isDeleted=None, date=None)),
    "NULL in maps": insert(event(eventDate={"start": None, "end": {"dateTime": None}})),
    **{
        f"JSON null beside userIdentity null{where}": payload(
            {"eventName": "INSERT", "userIdentity": None, "dynamodb": {"NewImage": sale(**{name: As(None)})}}
        )
        for where, name in (("", "name"), (", in an attribute no schema names", "userIdentity"))
    },
    "with blanks": insert(sale(name="x")).replace(b'{"S":"x"}', b' { "S" :\t"x"\r\n} '),
    "spelled with escapes": insert(sale(name="x")).replace(
        b'"name":{"S":"x"}', b'"n\\u0061me":{"\\u0053":"\\u0078"}'
    ),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("what", [what for what in OTHERS if what != "S"])
def test_anything_but_a_string_where_a_string_is_due_is_an_archive_error(
    what: str, outcomes: Outcomes
) -> None:
    assert outcomes[f"S: {what}"].message == STRING
    assert outcomes[f"in M: {what}"].message == NESTED


@pytest.mark.parametrize("what", [what for what in OTHERS if what != "BOOL"])
def test_anything_but_a_boolean_where_a_boolean_is_due_is_an_archive_error(
    what: str, outcomes: Outcomes
) -> None:
    assert outcomes[f"BOOL: {what}"].message == BOOLEAN


@pytest.mark.parametrize("what", [what for what in OTHERS if what != "M"])
def test_anything_but_a_map_where_a_map_is_due_is_an_archive_error(what: str, outcomes: Outcomes) -> None:
    assert outcomes[f"M: {what}"].message == MAP


@pytest.mark.parametrize("what", OTHERS)
def test_an_attribute_that_no_schema_names_may_hold_anything(what: str, outcomes: Outcomes) -> None:
    assert outcomes[f"unknown: {what}"].message is None


def test_null_on_an_optional_attribute_is_absent(outcomes: Outcomes) -> None:
    record = outcomes["NULL"].record
    assert (record["name"], record["isDeleted"], record["date"]) == (None, None, None)
    assert outcomes["NULL in maps"].record["eventDate"] == {
        "start": None,
        "end": {"dateTime": None, "localDate": None},
    }


def test_json_null_is_seen_beside_the_null_that_dynamodb_itself_writes(outcomes: Outcomes) -> None:
    assert outcomes["JSON null beside userIdentity null"].message == STRING
    unnamed = outcomes["JSON null beside userIdentity null, in an attribute no schema names"]
    assert unnamed.message is None


@pytest.mark.parametrize("case", ["S: S", "with blanks", "spelled with escapes"])
def test_one_right_tag_is_all_it_takes(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["name"] == "x"
    assert outcomes["BOOL: BOOL"].record["isDeleted"] is True
    assert outcomes["M: M"].record["eventDate"]["start"] == {"dateTime": None, "localDate": None}
