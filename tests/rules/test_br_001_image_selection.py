"""BR-001: INSERT and MODIFY carry the record in NewImage, REMOVE in OldImage."""

from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

import schemas
from tests.rules.change_events import (
    NO_EVENT_NAME,
    NO_NEW_IMAGE,
    NO_OLD_IMAGE,
    NO_TYPE,
    Outcomes,
    archived,
    change,
    insert,
    modify,
    payload,
    remove,
    sale,
    source_frame,
)
from transforms.parse import parse
from transforms.select_image import select_image

BEFORE, AFTER = sale(name="before"), sale(name="after")
NONSENSE = {"type": 5, "id": None, "date": {"S": "x"}, "name": "bare"}
TTL = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
NO_MAPS: dict[str, Any] = {
    "null": None,
    "a number": 7,
    "a string": "image",
    "a list": [BEFORE],
    "an empty list": [],
    "a boolean": True,
}
NO_NAMES: dict[str, Any] = {
    "another": "UPSERT",
    "in lower case": "insert",
    "mixed case": "Remove",
    "padded": " INSERT",
    "ending in a line break": "INSERT\n",
    "empty": "",
    "null": None,
    "a number": 5,
    "a boolean": True,
    "a list": ["INSERT"],
    "an object": {"S": "INSERT"},
    "__proto__": "__proto__",
}
CASES = {
    "insert": insert(AFTER),
    "modify": modify(AFTER, OldImage=BEFORE),
    "remove": remove(BEFORE),
    "remove with both images": remove(BEFORE, NewImage=AFTER),
    "insert with both images": insert(AFTER, OldImage=BEFORE),
    "ttl": payload({"eventName": "REMOVE", "userIdentity": TTL, "dynamodb": {"OldImage": BEFORE}}),
    "insert with the old image alone": change("INSERT", OldImage=BEFORE),
    "modify with the old image alone": change("MODIFY", OldImage=BEFORE),
    "remove with the new image alone": change("REMOVE", NewImage=AFTER),
    "nonsense in the other image": modify(AFTER, OldImage=NONSENSE),
    "an empty image": insert({}),
    "half an emoji beside": insert(sale(name="\ud83c"), OldImage=7),
    "a question mark beside": insert(sale(name="what? \U0001f3ab"), OldImage=7),
    "an image in a string": insert('{"type":{"S":"sale"}}', OldImage=7),
    "no name": payload({"dynamodb": {"NewImage": AFTER}}),
    "no dynamodb": payload({"eventName": "MODIFY"}),
    "the images beside dynamodb": payload({"eventName": "INSERT", "dynamodb": {}, "NewImage": AFTER}),
    **{f"the other image is {what}": modify(AFTER, OldImage=value) for what, value in NO_MAPS.items()},
    **{f"inserted {what}": insert(value) for what, value in NO_MAPS.items()},
    **{f"modified {what}": modify(value, OldImage=BEFORE) for what, value in NO_MAPS.items()},
    **{f"removed {what}": remove(value, NewImage=AFTER) for what, value in NO_MAPS.items()},
    **{f"name {what}": change(value, NewImage=AFTER) for what, value in NO_NAMES.items()},
    **{
        f"dynamodb is {what}": payload({"eventName": "REMOVE", "dynamodb": value})
        for what, value in NO_MAPS.items()
    },
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("case", ["insert", "insert with both images", "modify"])
def test_an_insert_and_a_modify_carry_the_record_in_the_new_image(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["name"] == "after"


@pytest.mark.parametrize("case", ["remove", "remove with both images"])
def test_a_remove_carries_the_record_in_the_old_image(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["name"] == "before"


def test_a_ttl_deletion_is_a_remove(outcomes: Outcomes) -> None:
    assert outcomes["ttl"].record == outcomes["remove"].record | {
        "change": {"id": None, "name": "REMOVE", "time": None, "sequenceNumber": "5"}
    }


@pytest.mark.parametrize("what", NO_NAMES)
def test_any_other_event_name_is_an_archive_error(what: str, outcomes: Outcomes) -> None:
    assert outcomes[f"name {what}"].message == NO_EVENT_NAME


def test_a_missing_event_name_is_an_archive_error(outcomes: Outcomes) -> None:
    assert outcomes["no name"].message == NO_EVENT_NAME


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("insert with the old image alone", NO_NEW_IMAGE),
        ("modify with the old image alone", NO_NEW_IMAGE),
        ("remove with the new image alone", NO_OLD_IMAGE),
        ("no dynamodb", NO_NEW_IMAGE),
        ("the images beside dynamodb", NO_NEW_IMAGE),
    ],
)
def test_a_missing_image_is_an_archive_error(case: str, message: str, outcomes: Outcomes) -> None:
    assert outcomes[case].message == message


@pytest.mark.parametrize("what", NO_MAPS)
def test_an_image_that_is_not_a_map_is_an_archive_error(what: str, outcomes: Outcomes) -> None:
    assert outcomes[f"inserted {what}"].message == NO_NEW_IMAGE
    assert outcomes[f"modified {what}"].message == NO_NEW_IMAGE
    assert outcomes[f"removed {what}"].message == NO_OLD_IMAGE


@pytest.mark.parametrize("what", NO_MAPS)
def test_a_dynamodb_section_that_is_not_a_map_holds_no_image(what: str, outcomes: Outcomes) -> None:
    assert outcomes[f"dynamodb is {what}"].message == NO_OLD_IMAGE


@pytest.mark.parametrize(
    "case", ["nonsense in the other image", *(f"the other image is {what}" for what in NO_MAPS)]
)
def test_the_image_that_does_not_count_is_not_looked_into(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["name"] == "after"


def test_beside_an_odd_image_the_other_is_read_as_strictly(outcomes: Outcomes) -> None:
    assert (
        outcomes["half an emoji beside"].message
        == "sale: name is not a DynamoDB S that fits Avro string (BR-003)"
    )
    assert outcomes["a question mark beside"].record["name"] == "what? \U0001f3ab"
    assert outcomes["an image in a string"].message == NO_NEW_IMAGE


def test_an_empty_image_is_an_image(outcomes: Outcomes) -> None:
    assert outcomes["an empty image"].message == NO_TYPE


def test_the_step_adds_the_image_or_a_message(spark: SparkSession) -> None:
    given = source_frame(
        spark, *(CASES[case] for case in ("modify", "remove", "name another", "inserted null"))
    )
    found = (
        given.transform(parse, schemas.load()["sale"].image_attributes)
        .transform(select_image)
        .select("image.name", "message")
    )
    due = [
        ('{"S":"after"}', None),
        ('{"S":"before"}', None),
        (None, NO_EVENT_NAME),
        (None, NO_NEW_IMAGE),
    ]
    assert_df_equality(found, spark.createDataFrame(due, "name string, message string"), ignore_nullable=True)
