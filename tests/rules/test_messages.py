"""Messages are stable and few: they name type, field and rule, never a value (BR-017)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

import schemas
from jobs.demo.generator import Change, events
from tests.rules.change_events import FULL, Outcomes, archived, insert

FIXED = {
    "the payload is empty",
    "the payload is not UTF-8; the event is held as base64",
    "the payload is not one JSON object",
    "eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)",
    "dynamodb.NewImage is missing or not a map (BR-001)",
    "dynamodb.OldImage is missing or not a map (BR-001)",
    "eventID is not a string of Unicode characters (BR-020)",
    "type is missing or not one of demand, notification, event, sale (BR-002)",
    "demand: date.requested is not an ISO-8601 date (BR-008)",
    "notification: date.created is not an ISO-8601 date (BR-009)",
    "event: date.firstSeen is not an ISO-8601 date (BR-010)",
    "event: eventDate.start.dateTime is not an ISO-8601 date (BR-010)",
    "sale: saleStartDateTime is not an ISO-8601 date (BR-011)",
}
_DUE = {
    "string": "S that fits Avro string",
    "boolean": "BOOL that fits Avro boolean",
    "record": "M that fits Avro record",
}
_SHORT = 3


def _of_fields(where: str, fields: list[Any]) -> Iterator[str]:
    for field in fields:
        name, declared, is_optional = (
            f"{where}{field['name']}",
            field["type"],
            isinstance(field["type"], list),
        )
        if field.get("origin") == "pipeline":
            continue
        declared = declared[1] if is_optional else declared
        # Without a type there is no schema to say what is missing or wrong.
        if name.endswith(": type"):
            continue
        yield f"{name} is not a DynamoDB {_DUE[declared if isinstance(declared, str) else 'record']} (BR-003)"
        if not is_optional or field.get("requiredInImage"):
            yield f"{name} is missing (BR-003)"
        if isinstance(declared, dict):
            yield from _of_fields(f"{name}.", declared["fields"])


def possible() -> set[str]:
    """Every message that there is: the fixed ones and what follows from the schemas."""
    return FIXED.union(*(_of_fields(f"{type_}: ", schemas.avro(type_)["fields"]) for type_ in FULL))


def strings_in(value: Any) -> Iterator[str]:
    """Every string in a JSON value that isn't a key."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings_in(each)


@pytest.fixture(scope="module")
def changes() -> dict[str, Change]:
    return {str(number): change for number, change in enumerate(events(20260301, 1500, bad_share=0.6))}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession, changes: dict[str, Change]) -> Outcomes:
    return archived(spark, {number: change.data for number, change in changes.items()})


def test_the_messages_follow_from_the_schemas_and_every_one_of_them_occurs(bad_outcomes: Outcomes) -> None:
    assert {outcome.message for outcome in bad_outcomes.values()} == possible()


def test_whatever_the_stream_brings_there_is_no_other_message(outcomes: Outcomes) -> None:
    found = {outcome.message for outcome in outcomes.values() if outcome.message is not None}
    assert found <= possible()
    assert len(found) > 20


def test_they_are_few() -> None:
    assert len(possible()) < 100


def test_exactly_the_bad_ones_get_one(changes: dict[str, Change], outcomes: Outcomes) -> None:
    assert {number for number, outcome in outcomes.items() if outcome.message is not None} == {
        number for number, change in changes.items() if change.is_bad
    }


def test_no_message_holds_a_value(changes: dict[str, Change], outcomes: Outcomes) -> None:
    words = set(re.findall(r"\w+", " ".join(possible())))
    checked = 0
    for number, outcome in outcomes.items():
        if outcome.message is None:
            continue
        try:
            values = set(strings_in(json.loads(changes[number].data)))
        except ValueError:
            values = set(re.findall(r"\w+", changes[number].data.decode(errors="replace")))
        values = {value.strip() for value in values} - words
        told = {value for value in values if len(value) > _SHORT and value in outcome.message}
        assert told == set()
        checked += len(values)
    assert checked > 5000


@pytest.mark.parametrize("type_", FULL)
def test_no_message_holds_personal_data_or_an_id_whatever_is_wrong_beside_it(
    type_: str, bad_outcomes: Outcomes
) -> None:
    names = ("phoneNumber", "email", "messageBody", "artistName", "systemUserId")
    values = [FULL[type_][name]["S"] for name in names if name in FULL[type_]]
    told = {outcome.message for what, outcome in bad_outcomes.items() if what.startswith(f"{type_}: ")}
    assert len(told) > 5
    assert not [message for message in told for value in values if message and value in message]
    assert all(value in insert(FULL[type_]).decode() for value in values)
