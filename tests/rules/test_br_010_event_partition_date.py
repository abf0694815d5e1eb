"""BR-010: an event's partition date is from date.firstSeen, else eventDate.start.dateTime, else the batch's time."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.rules.change_events import Outcomes, archived, event, insert, remove

FIRST_SEEN = "event: date.firstSeen is not an ISO-8601 date (BR-010)"
START = "event: eventDate.start.dateTime is not an ISO-8601 date (BR-010)"


def dated(first_seen: Any, start: Any) -> bytes:
    return insert(
        event(
            date={"firstSeen": first_seen, "updated": "2026-05-05"}, eventDate={"start": {"dateTime": start}}
        )
    )


CASES = {
    "first seen": dated("2026-03-01T23:00:00-02:00", "2026-06-01"),
    "no first seen": dated(None, "2026-06-01T23:00:00-02:00"),
    "neither": dated(None, None),
    "no date": insert(event(eventDate={"start": {"dateTime": "2026-06-01"}})),
    "nothing": insert(event()),
    "a local date alone": insert(
        event(eventDate={"start": {"localDate": "2026-06-01"}, "end": {"dateTime": "2026-06-02"}})
    ),
    "removed": remove(event(), ApproximateCreationDateTime=1772368496),
    "removed, first seen": remove(event(date={"firstSeen": "2026-03-01", "updated": "x"})),
    "first seen in words": dated("soon", "2026-06-01"),
    "first seen empty": dated("", "2026-06-01"),
    "start in words": dated(None, "12:30"),
    "start of the year 10000": dated(None, "10000-01-01T00:00:00Z"),
    "start unused": dated("2026-03-01", "12:30"),
    "both in words": dated("2026-02-30", "12:30"),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("case", ["first seen"])
def test_date_first_seen_goes_first(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].date == "2026-03-02"
    assert outcomes["removed, first seen"].date == "2026-03-01"


def test_the_start_comes_next(outcomes: Outcomes) -> None:
    assert outcomes["no first seen"].date == "2026-06-02"
    assert outcomes["no date"].date == "2026-06-01"


@pytest.mark.parametrize("case", ["neither", "nothing", "a local date alone", "removed"])
def test_the_batch_s_time_comes_last(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].date == "2026-03-05"


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("first seen in words", FIRST_SEEN),
        ("first seen empty", FIRST_SEEN),
        ("both in words", FIRST_SEEN),
        ("start in words", START),
        ("start of the year 10000", START),
    ],
)
def test_a_fallback_is_not_taken_where_a_value_is_malformed(
    case: str, message: str, outcomes: Outcomes
) -> None:
    assert outcomes[case].message == message


def test_a_malformed_fallback_that_is_not_needed_does_no_harm(outcomes: Outcomes) -> None:
    assert outcomes["start unused"].date == "2026-03-01"
    assert outcomes["start unused"].record["eventDate"]["start"]["dateTime"] == "12:30"
