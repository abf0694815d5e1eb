"""The oracle's calendar at its ends: what counts is the instant in UTC, from the year 1 to the year 9999."""

import pytest

from tests.oracle import iso


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("0001-01-01", "0001-01-01"),
        ("0000-12-31T23:00:00-05:00", "0001-01-01"),
        ("0000-12-31T23:00:00Z", None),
        ("0000-02-29", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31"),
        ("9999-12-31T23:00:00-02:00", None),
        ("0000-13-31T23:00:00-05:00", None),
    ],
)
def test_a_date_is_one_where_its_instant_lies_in_the_years_1_to_9999(text: str, date: str | None) -> None:
    assert iso.utc_date(text) == date
    assert (iso.instant(text) is None) == (date is None)
