"""BR-006: every record gets a reference id and timestamp by its type."""

from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.rules.change_events import (
    BATCH_TIME,
    IMAGES,
    Outcomes,
    archived,
    demand,
    event,
    insert,
    notification,
    remove,
    sale,
)
from transforms.add_reference import latest

REQUESTED = "2026-03-01T10:00:00Z"
AT = {"ApproximateCreationDateTime": 1772368496}
MARKED = "2026-03-01T12:34:56.000Z"


def dated(**dates: Any) -> bytes:
    return insert(demand(date={"requested": REQUESTED, **dates}))


# The change event, and the timestamp of its reference.
DEMANDS: dict[str, tuple[bytes, str]] = {
    "one date": (dated(), REQUESTED),
    "a later one": (dated(triggered="2026-03-02T00:00:00Z"), "2026-03-02T00:00:00Z"),
    "an earlier one": (dated(triggered="2026-02-28T23:59:59Z"), REQUESTED),
    "the last of four": (
        dated(triggered="2026-03-02", notified="2026-03-03", deleted="2026-03-04T00:00:00Z"),
        "2026-03-04T00:00:00Z",
    ),
    "a fraction is after the full second": (dated(triggered="2026-03-01T10:00:00.500Z"), "2026-03-01T10:00:00.500Z"),
    "a fraction is no longer string": (
        insert(demand(date={"requested": "2026-03-01T10:00:00.500Z", "notified": REQUESTED})),
        "2026-03-01T10:00:00.500Z",
    ),
    "nanoseconds count": (
        insert(demand(date={"requested": "2026-03-01T10:00:00.000000001Z", "notified": "2026-03-01T10:00:00.000000002Z"})),
        "2026-03-01T10:00:00.000000002Z",
    ),
    "an offset counts, later": (dated(notified="2026-03-01T09:00:00-05:30"), "2026-03-01T09:00:00-05:30"),
    "an offset counts, earlier": (dated(notified="2026-03-01T12:00:00+05:30"), REQUESTED),
    "without an offset it is UTC": (dated(notified="2026-03-01T10:00:01"), "2026-03-01T10:00:01"),
    "a date is its first instant": (dated(notified="2026-03-01"), REQUESTED),
    "a later date": (dated(notified="2026-03-02"), "2026-03-02"),
    "of equal instants the first": (dated(notified="2026-03-01T11:00:00+01:00"), REQUESTED),
    "words don't compete": (dated(triggered="zzz", notified="2026-03-02T00:00:00Z"), "2026-03-02T00:00:00Z"),
    "a time of day doesn't compete": (dated(triggered="23:59"), REQUESTED),
    "a year doesn't compete": (dated(triggered="2030"), REQUESTED),
    "no date of any year competes": (dated(triggered="2030-02-30"), REQUESTED),
    "the year 10000 doesn't compete": (dated(triggered="10000-01-01T00:00:00Z"), REQUESTED),
    "an empty string doesn't compete": (dated(triggered=""), REQUESTED),
    "requestedDateTime is none of date.*": (
        insert(demand(requestedDateTime="2027-01-01T00:00:00Z")),
        REQUESTED,
    ),
    "removed": (remove(demand(), **AT), MARKED),
    "removed before it was notified": (
        remove(demand(date={"requested": REQUESTED, "notified": "2026-04-01T00:00:00Z"}), **AT),
        "2026-04-01T00:00:00Z",
    ),
}  # fmt: skip
OTHERS: dict[str, tuple[bytes, str]] = {
    "notification: nothing": (insert(notification()), BATCH_TIME),
    "notification: date.created is no fallback": (insert(notification(date={"created": "2026-01-01"})), BATCH_TIME),
    "notification: date.updated": (insert(notification(date={"created": "2026-03-02", "updated": "2026-03-03"})), "2026-03-03"),
    "notification: date.deleted goes first": (
        insert(notification(date={"created": "2026-03-02", "updated": "2026-03-09", "deleted": "2026-03-04"})),
        "2026-03-04",
    ),
    "notification: as it was written": (insert(notification(date={"created": "2026-03-02", "updated": "soon"})), "soon"),
    "notification: removed": (remove(notification(), **AT), MARKED),
    "event: nothing": (insert(event()), BATCH_TIME),
    "event: date.updated": (insert(event(date={"firstSeen": "2026-01-01", "updated": "2026-03-03"})), "2026-03-03"),
    "event: date.deleted goes first": (insert(event(date={"updated": "2026-03-03", "deleted": "2026-03-02"})), "2026-03-02"),
    "event: removed": (remove(event(date={"updated": "2026-03-03"}), **AT), MARKED),
    "sale: saleStartDateTime": (insert(sale(saleStartDateTime="2026-05-01T10:00:00+05:30")), "2026-05-01T10:00:00+05:30"),
    "sale: date.deleted goes first": (insert(sale(date={"deleted": "2026-03-02"})), "2026-03-02"),
    "sale: removed before it starts": (remove(sale(saleStartDateTime="2027-05-01"), **AT), MARKED),
}  # fmt: skip
# The change event, and the id of its reference.
IDS: dict[str, tuple[bytes, str]] = {
    "demand": (insert(IMAGES["demand"]()), "e1_s1_f1"),
    "notification": (insert(IMAGES["notification"]()), "e1_s1_f1"),
    "event": (insert(IMAGES["event"]()), "e1"),
    "sale": (insert(IMAGES["sale"]()), "e1_s1"),
    "removed demand": (remove(demand()), "e1_s1_f1"),
    "empty parts": (insert(demand(eventId="", fanId="")), "_s1_"),
    "underscores in parts": (insert(sale(eventId="e_1", id="s_1")), "e_1_s_1"),
    "any characters": (insert(event(id="a b/ü\U0001f3ab|")), "a b/ü\U0001f3ab|"),
}
TIMESTAMPS = DEMANDS | OTHERS
CASES = {
    case: data for case, (data, _) in (TIMESTAMPS | {f"id: {case}": due for case, due in IDS.items()}).items()
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("case", IDS)
def test_the_id_joins_its_parts_with_underscores(case: str, outcomes: Outcomes) -> None:
    assert outcomes[f"id: {case}"].record["reference"]["id"] == IDS[case][1]


@pytest.mark.parametrize("case", DEMANDS)
def test_a_demand_s_timestamp_is_the_latest_instant_of_its_dates(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["reference"]["timestamp"] == DEMANDS[case][1]


@pytest.mark.parametrize("case", OTHERS)
def test_the_other_types_take_the_first_that_is_present(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["reference"]["timestamp"] == OTHERS[case][1]


def test_the_latest_of_columns(spark: SparkSession) -> None:
    rows = [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.5Z", "2026-03-01T10:00:00.49Z"),
        ("2026-03-01", None, "2026-02-28T23:59:59-00:01"),
        ("never", None, "12:30"),
        (None, "2026-03-01", None),
        (None, None, None),
    ]
    found = spark.createDataFrame(rows, "a string, b string, c string")
    due = [("2026-03-01T10:00:00.5Z",), ("2026-02-28T23:59:59-00:01",), (None,), ("2026-03-01",), (None,)]
    assert_df_equality(
        found.select(latest(F.col("a"), F.col("b"), F.col("c")).alias("latest")),
        spark.createDataFrame(due, "latest string"),
        ignore_nullable=True,
    )
