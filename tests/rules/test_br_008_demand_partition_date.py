"""BR-008: a demand's partition date is the UTC date of date.requested."""

import pytest
from pyspark.sql import SparkSession

from tests.rules.change_events import Outcomes, archived, demand, insert, remove
from tests.rules.dates import NO_DATES, UTC_DATES

MALFORMED = "demand: date.requested is not an ISO-8601 date (BR-008)"


def requested(text: str) -> bytes:
    return insert(demand(date={"requested": text}))


CASES = {
    **{f"requested {text!r}": requested(text) for text in (*UTC_DATES, *NO_DATES)},
    "other dates": insert(
        demand(requestedDateTime="2025-01-01", date={"requested": "2026-03-01", "notified": "2026-07-07"})
    ),
    "other dates in words": insert(
        demand(
            requestedDateTime="soon", date={"requested": "2026-03-01", "triggered": "12:30", "deleted": ""}
        )
    ),
    "removed": remove(demand(), ApproximateCreationDateTime=1782368496),
    "removed with words": remove(demand(date={"requested": "soon"})),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize(("text", "date"), UTC_DATES.items())
def test_it_is_the_utc_date_of_that_instant(text: str, date: str, outcomes: Outcomes) -> None:
    assert outcomes[f"requested {text!r}"].date == date


@pytest.mark.parametrize("text", UTC_DATES)
def test_the_string_itself_is_archived_as_it_came(text: str, outcomes: Outcomes) -> None:
    assert outcomes[f"requested {text!r}"].record["date"]["requested"] == text


@pytest.mark.parametrize("text", NO_DATES)
def test_anything_else_is_an_archive_error(text: str, outcomes: Outcomes) -> None:
    assert outcomes[f"requested {text!r}"].message == MALFORMED
    assert outcomes[f"requested {text!r}"].date is None


def test_no_other_date_of_the_demand_counts(outcomes: Outcomes) -> None:
    assert outcomes["other dates"].date == "2026-03-01"
    assert outcomes["other dates in words"].date == "2026-03-01"


def test_a_removed_demand_stays_where_it_was_requested(outcomes: Outcomes) -> None:
    assert outcomes["removed"].date == "2026-03-01"
    assert outcomes["removed with words"].message == MALFORMED
