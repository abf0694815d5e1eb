"""BR-009: a notification's partition date is the UTC date of date.created."""

import pytest
from pyspark.sql import SparkSession

from tests.rules.change_events import Outcomes, archived, insert, notification, remove

MALFORMED = "notification: date.created is not an ISO-8601 date (BR-009)"
CASES = {
    "created": insert(notification(date={"created": "2026-03-02T01:00:00+05:30"})),
    "updated later": insert(
        notification(date={"created": "2026-03-02", "updated": "2026-04-02", "deleted": "x"})
    ),
    "removed": remove(notification(date={"created": "2026-03-02"})),
    "in words": insert(notification(date={"created": "12:30", "updated": "2026-03-02"})),
    "empty": remove(notification(date={"created": ""})),
    "missing": insert(notification(date={"updated": "2026-03-02"})),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


def test_it_is_the_utc_date_of_that_instant(outcomes: Outcomes) -> None:
    assert outcomes["created"].date == "2026-03-01"


@pytest.mark.parametrize("case", ["updated later", "removed"])
def test_later_changes_stay_where_it_was_created(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].date == "2026-03-02"


@pytest.mark.parametrize("case", ["in words", "empty"])
def test_anything_else_is_an_archive_error(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].message == MALFORMED


def test_it_has_no_fallback(outcomes: Outcomes) -> None:
    assert outcomes["missing"].message == "notification: date.created is missing (BR-003)"
