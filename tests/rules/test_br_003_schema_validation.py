"""BR-003: every record is validated against its Avro schema."""

from typing import Any

import fastavro
import pytest
from fastavro.validation import validate
from pyspark.sql import SparkSession

import schemas
from tests.rules.change_events import (
    FULL,
    GONE,
    IMAGES,
    As,
    Outcomes,
    archived,
    demand,
    event,
    insert,
    modify,
    notification,
    remove,
    sale,
)

REQUIRED: dict[str, tuple[str, ...]] = {
    "demand": ("fanId", "eventId", "saleId", "requestedDateTime", "date"),
    "notification": ("fanId", "eventId", "saleId", "date"),
    "event": ("id",),
    "sale": ("id", "eventId", "saleStartDateTime"),
}
PAIRS = [(type_, name) for type_, names in REQUIRED.items() for name in names]
OF_OTHER_TYPES = {
    "fanId": 5,
    "phoneNumber": As(None),
    "eventDate": "x",
    "messageBody": As({}),
    "artistId": ["x"],
}
OURS = {"reference": "mine", "system": 1, "change": {"id": As("x")}}
CASES = {
    **{f"full {type_}": insert(image) for type_, image in FULL.items()},
    **{f"small {type_}": insert(make()) for type_, make in IMAGES.items()},
    **{f"deleted {type_}": remove(image) for type_, image in FULL.items()},
    **{f"{type_} without {name}": insert(IMAGES[type_](**{name: GONE})) for type_, name in PAIRS},
    **{f"{type_} with {name} NULL": modify(IMAGES[type_](**{name: None})) for type_, name in PAIRS},
    **{f"ours in {type_}": insert(make(**OURS)) for type_, make in IMAGES.items()},
    "demand without date.requested": insert(demand(date={})),
    "notification without date.created": insert(notification(date={"updated": "2026-03-01"})),
    "removed without date.requested": remove(demand(date={})),
    "phone number sent as N": insert(demand(phoneNumber=15550100)),
    "date sent as S": insert(event(date="2026-03-01")),
    "isDeleted sent as S": insert(sale(isDeleted="true")),
    "isDeleted sent as N": insert(sale(isDeleted=1)),
    "wrong beside wrong": insert(sale(eventId=1, id=GONE, name=True)),
    "wrong nested beside wrong": insert(
        demand(date={"notified": 1, "requested": GONE}, systemUserId=1, email=1)
    ),
    "another type's attributes": insert(sale(**OF_OTHER_TYPES)),
    "another type's members": insert(sale(date={"requested": 1, "updated": As(None), "firstSeen": As("x")})),
    "unknown attributes": insert(sale(score=As({"X": 1}), note=As(None), pk="x", tags=["a", 5])),
    "names in another case": insert(sale(Name=5, EVENTID=As(None))),
    "event with an empty date": insert(event(date={})),
    "event with a date of one": insert(event(date={"firstSeen": "2026-03-01"})),
    "removed event with an empty date": remove(event(date={})),
    "removed event without a date": remove(event()),
    "removed event with date NULL": remove(event(date=None)),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize(("type_", "name"), PAIRS)
def test_a_missing_required_attribute_is_an_archive_error(type_: str, name: str, outcomes: Outcomes) -> None:
    assert outcomes[f"{type_} without {name}"].message == f"{type_}: {name} is missing (BR-003)"
    assert outcomes[f"{type_} with {name} NULL"].message == f"{type_}: {name} is missing (BR-003)"


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("demand without date.requested", "demand: date.requested is missing (BR-003)"),
        ("removed without date.requested", "demand: date.requested is missing (BR-003)"),
        ("notification without date.created", "notification: date.created is missing (BR-003)"),
    ],
)
def test_a_missing_required_member_is_an_archive_error(case: str, message: str, outcomes: Outcomes) -> None:
    assert outcomes[case].message == message


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("phone number sent as N", "demand: phoneNumber is not a DynamoDB S that fits Avro string (BR-003)"),
        ("date sent as S", "event: date is not a DynamoDB M that fits Avro record (BR-003)"),
        ("isDeleted sent as S", "sale: isDeleted is not a DynamoDB BOOL that fits Avro boolean (BR-003)"),
        ("isDeleted sent as N", "sale: isDeleted is not a DynamoDB BOOL that fits Avro boolean (BR-003)"),
    ],
)
def test_an_optional_attribute_of_the_wrong_type_is_an_archive_error(
    case: str, message: str, outcomes: Outcomes
) -> None:
    assert outcomes[case].message == message


def test_the_first_offending_attribute_in_schema_order_is_named(outcomes: Outcomes) -> None:
    assert outcomes["wrong beside wrong"].message == "sale: id is missing (BR-003)"
    assert (
        outcomes["wrong nested beside wrong"].message
        == "demand: email is not a DynamoDB S that fits Avro string (BR-003)"
    )


@pytest.mark.parametrize(
    "case",
    ["another type's attributes", "another type's members", "unknown attributes", "names in another case"],
)
def test_what_the_type_s_schema_does_not_name_is_not_looked_into(case: str, outcomes: Outcomes) -> None:
    small = outcomes["small sale"].record
    with_date = small | {"date": {"deleted": None}} if "members" in case else small
    assert _without_change(outcomes[case].record) == _without_change(with_date)


@pytest.mark.parametrize("type_", IMAGES)
def test_an_image_s_own_reference_system_and_change_are_ignored(type_: str, outcomes: Outcomes) -> None:
    ours, small = outcomes[f"ours in {type_}"].record, outcomes[f"small {type_}"].record
    assert _without_change(ours) == _without_change(small)
    assert ours["change"]["id"] is None


@pytest.mark.parametrize(
    "case", ["event with an empty date", "event with a date of one", "removed event with an empty date"]
)
def test_where_an_event_has_a_date_its_date_updated_is_required(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].message == "event: date.updated is missing (BR-003)"


@pytest.mark.parametrize("case", ["removed event without a date", "removed event with date NULL"])
def test_where_only_our_deletion_mark_makes_the_date_it_is_not(case: str, outcomes: Outcomes) -> None:
    date = outcomes[case].record["date"]
    assert date == {"firstSeen": None, "updated": None, "deleted": "2026-03-05T06:07:08.009Z"}


@pytest.mark.parametrize("size", ["full", "small", "deleted"])
@pytest.mark.parametrize("type_", IMAGES)
def test_every_archived_record_is_valid_by_its_schema(type_: str, size: str, outcomes: Outcomes) -> None:
    record, schema = outcomes[f"{size} {type_}"].record, fastavro.parse_schema(schemas.avro(type_))
    assert validate(record, schema, strict=True)


@pytest.mark.parametrize("type_", IMAGES)
def test_everything_that_the_schema_names_is_archived(type_: str, outcomes: Outcomes) -> None:
    record = outcomes[f"full {type_}"].record
    image = FULL[type_]
    assert {name for name, value in record.items() if value is not None} >= image.keys() - {"isDeleted"}
    for name, value in image.items():
        assert name == "isDeleted" or record[name] == _plain(value, record[name])


def _plain(value: dict[str, Any], like: Any) -> Any:
    """The image's value; members that are absent are None, as the record has them."""
    if "M" not in value:
        return value["S"]
    return {
        name: _plain(value["M"][name], inner) if name in value["M"] else None for name, inner in like.items()
    }


def _without_change(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "change"}
