"""BR-004: REMOVE results in a record with isDeleted = true and date.deleted."""

import json

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from tests.rules.change_events import (
    BATCH_TIME,
    IMAGES,
    As,
    Outcomes,
    archived,
    demand,
    event,
    insert,
    modify,
    notification,
    payload,
    remove,
    sale,
    source_frame,
)
from transforms.mark_deleted import mark_deleted
from transforms.parse import parse
from transforms.select_image import select_image
from transforms.unmarshall import unmarshall

AT = {"ApproximateCreationDateTime": 1772368496789, "ApproximateCreationDateTimePrecision": "MILLISECOND"}
MARKED = "2026-03-01T12:34:56.789Z"
TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
EARLIER = "2026-02-27T00:00:00Z"
CASES = {
    **{f"removed {type_}": remove(make(), **AT) for type_, make in IMAGES.items()},
    **{f"inserted {type_}": insert(make(), **AT) for type_, make in IMAGES.items()},
    "ttl": payload({"eventName": "REMOVE", "userIdentity": TTL, "dynamodb": {"OldImage": sale(), **AT}}),
    "no creation time": remove(sale()),
    "creation time null": remove(sale(), ApproximateCreationDateTime=None),
    "creation time in words": remove(sale(), ApproximateCreationDateTime="soon"),
    "creation time beyond the year 9999": remove(sale(), ApproximateCreationDateTime=10**30),
    "microseconds": remove(sale(), ApproximateCreationDateTime=1772368496789999),
    "seconds": remove(sale(), ApproximateCreationDateTime=1772368496),
    "deleted before": remove(notification(date={"created": EARLIER, "deleted": EARLIER}), **AT),
    "deleted in words before": remove(sale(date={"deleted": "long ago"}), **AT),
    "other dates": remove(demand(date={"requested": EARLIER, "notified": EARLIER}), **AT),
    "isDeleted false": remove(sale(isDeleted=False), **AT),
    "isDeleted true": remove(sale(isDeleted=True), **AT),
    "inserted with isDeleted false": insert(sale(isDeleted=False)),
    "modified to isDeleted true": modify(sale(isDeleted=True, date={"deleted": EARLIER}), **AT),
    "modified to isDeleted true alone": modify(sale(isDeleted=True), **AT),
    "inserted with date.deleted": insert(sale(date={"deleted": EARLIER}), **AT),
    "isDeleted wrong": remove(sale(isDeleted=As({"S": "true"})), **AT),
    "date wrong": remove(event(date="2026-03-01"), **AT),
    "date.deleted wrong": remove(sale(date={"deleted": 1}), **AT),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("case", [*(f"removed {type_}" for type_ in IMAGES), "ttl"])
def test_a_removed_record_is_deleted_when_the_change_was_made(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["isDeleted"] is True
    assert outcomes[case].record["date"]["deleted"] == MARKED


def test_a_ttl_deletion_is_a_remove(outcomes: Outcomes) -> None:
    deletion, removal = outcomes["ttl"].record, outcomes["removed sale"].record
    assert deletion | {"change": None} == removal | {"change": None}


@pytest.mark.parametrize("type_", IMAGES)
def test_what_is_inserted_is_not_marked(type_: str, outcomes: Outcomes) -> None:
    record = outcomes[f"inserted {type_}"].record
    assert record["isDeleted"] is None
    assert (record["date"] or {}).get("deleted") is None


@pytest.mark.parametrize(
    "case",
    [
        "no creation time",
        "creation time null",
        "creation time in words",
        "creation time beyond the year 9999",
    ],
)
def test_without_the_change_s_time_it_is_the_batch_s(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["date"] == {"deleted": BATCH_TIME}


def test_the_mark_is_utc_with_milliseconds_whatever_the_precision(outcomes: Outcomes) -> None:
    assert outcomes["microseconds"].record["date"] == {"deleted": "2026-03-01T12:34:56.789Z"}
    assert outcomes["seconds"].record["date"] == {"deleted": "2026-03-01T12:34:56.000Z"}


def test_an_earlier_date_deleted_is_replaced(outcomes: Outcomes) -> None:
    due = {"created": EARLIER, "updated": None, "deleted": MARKED}
    assert outcomes["deleted before"].record["date"] == due
    assert outcomes["deleted in words before"].record["date"] == {"deleted": MARKED}


def test_the_other_dates_stay(outcomes: Outcomes) -> None:
    due = {"requested": EARLIER, "triggered": None, "notified": EARLIER, "deleted": MARKED}
    assert outcomes["other dates"].record["date"] == due


@pytest.mark.parametrize("case", ["isDeleted false", "isDeleted true"])
def test_a_removal_is_a_deletion_whatever_the_image_said(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["isDeleted"] is True
    assert outcomes[case].record["date"] == {"deleted": MARKED}


def test_is_deleted_false_in_an_image_is_the_same_as_absent(outcomes: Outcomes) -> None:
    assert outcomes["inserted with isDeleted false"].record["isDeleted"] is None


def test_a_live_image_keeps_its_own_mark(outcomes: Outcomes) -> None:
    marked, alone = (outcomes[f"modified to isDeleted true{which}"].record for which in ("", " alone"))
    assert (marked["isDeleted"], marked["date"]) == (True, {"deleted": EARLIER})
    assert (alone["isDeleted"], alone["date"]) == (True, None)
    dated = outcomes["inserted with date.deleted"].record
    assert (dated["isDeleted"], dated["date"]) == (None, {"deleted": EARLIER})


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("isDeleted wrong", "sale: isDeleted is not a DynamoDB BOOL that fits Avro boolean (BR-003)"),
        ("date wrong", "event: date is not a DynamoDB M that fits Avro record (BR-003)"),
        ("date.deleted wrong", "sale: date.deleted is not a DynamoDB S that fits Avro string (BR-003)"),
    ],
)
def test_what_would_be_replaced_is_validated_first(case: str, message: str, outcomes: Outcomes) -> None:
    assert outcomes[case].message == message
    assert json.loads(outcomes[case].event or "")["eventName"] == "REMOVE"


def test_the_step_sets_three_columns(spark: SparkSession) -> None:
    attributes = [each for each in schemas.load()["sale"].attributes if each.name in ("isDeleted", "date")]
    cases = ("removed sale", "inserted sale", "no creation time", "deleted in words before")
    given = source_frame(spark, *(CASES[case] for case in cases)).transform(parse, attributes)
    found = given.transform(select_image).transform(unmarshall, attributes)
    found = found.transform(mark_deleted, F.lit(BATCH_TIME)).select("isDeleted", "date", "`date.deleted`")
    due = [(True, True, MARKED), (None, False, None), (True, True, BATCH_TIME), (True, True, MARKED)]
    columns = "isDeleted boolean, date boolean, `date.deleted` string"
    assert_df_equality(found, spark.createDataFrame(due, columns), ignore_nullable=True)
