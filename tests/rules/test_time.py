"""Time: which instants a change event's ApproximateCreationDateTime and a record's strings stand for."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.rules.change_events import Outcomes, archived, insert, remove, sale
from transforms.iso8601 import instant, iso_micros, iso_millis, utc_date

MILLIS = {"ApproximateCreationDateTimePrecision": "MILLISECOND"}
MICROS = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}


# What ApproximateCreationDateTime is, what its precision is, and change.time.
CREATED: dict[str, tuple[str, dict[str, str], str | None]] = {
    "seconds": ("1772368496", {}, "2026-03-01T12:34:56.000000Z"),
    "seconds with a fraction": ("1772368496.789", {}, "2026-03-01T12:34:56.789000Z"),
    "seconds with six digits": ("1772368496.789012", {}, "2026-03-01T12:34:56.789012Z"),
    "seconds with nine digits, cut": ("1772368496.789012999", {}, "2026-03-01T12:34:56.789012Z"),
    "seconds with an exponent": ("1.772368496E9", {}, "2026-03-01T12:34:56.000000Z"),
    "milliseconds": ("1772368496789", {}, "2026-03-01T12:34:56.789000Z"),
    "milliseconds with a fraction": ("1772368496789.012", {}, "2026-03-01T12:34:56.789012Z"),
    "microseconds": ("1772368496789012", {}, "2026-03-01T12:34:56.789012Z"),
    "said to be milliseconds": ("1772368496789", MILLIS, "2026-03-01T12:34:56.789000Z"),
    "said to be microseconds": ("1772368496789012", MICROS, "2026-03-01T12:34:56.789012Z"),
    "few, said to be milliseconds": ("1000", MILLIS, "1970-01-01T00:00:01.000000Z"),
    "few, said to be microseconds": ("1000", MICROS, "1970-01-01T00:00:00.001000Z"),
    "of unknown precision": ("1772368496", {"ApproximateCreationDateTimePrecision": "SECOND"}, "2026-03-01T12:34:56.000000Z"),
    "the last seconds": ("99999999999", {}, "5138-11-16T09:46:39.000000Z"),
    "the first milliseconds": ("100000000000", {}, "1973-03-03T09:46:40.000000Z"),
    "the last milliseconds": ("99999999999999", {}, "5138-11-16T09:46:39.999000Z"),
    "the first microseconds": ("100000000000000", {}, "1973-03-03T09:46:40.000000Z"),
    "zero": ("0", {}, "1970-01-01T00:00:00.000000Z"),
    "before 1970": ("-1", {}, "1969-12-31T23:59:59.000000Z"),
    "null": ("null", {}, None),
    "words": ('"soon"', {}, None),
    # Decimals of so many places take minutes.
    "a text with a long exponent": ('"1e-1000000"', {}, None),
    "a text with a fraction and a long exponent": ('"1.5e-1000000"', {}, None),
    "a boolean": ("true", {}, None),
    "an object": ('{"N":"1772368496"}', {}, None),
    "beyond the year 9999": ("1" + 30 * "0", {}, None),
    "far beyond": ("1e400", {}, None),
    "before the year 1": ("-1" + 20 * "0", {}, None),
}  # fmt: skip


def created(text: str, precision: dict[str, str]) -> bytes:
    """An INSERT with this JSON text as its ApproximateCreationDateTime."""
    return insert(sale(), ApproximateCreationDateTime="@", **precision).replace(b'"@"', text.encode())


CASES = {
    **{what: created(text, precision) for what, (text, precision, _) in CREATED.items()},
    "missing": insert(sale()),
    "marked": remove(sale(), ApproximateCreationDateTime=1772368496789999),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("what", CREATED)
def test_the_precision_decides_where_it_is_given_else_the_magnitude(what: str, outcomes: Outcomes) -> None:
    assert outcomes[what].message is None
    assert outcomes[what].record["change"]["time"] == CREATED[what][2]


def test_a_change_without_a_time_has_none(outcomes: Outcomes) -> None:
    assert outcomes["missing"].record["change"]["time"] is None


def test_timestamps_that_we_make_are_utc_with_milliseconds(outcomes: Outcomes) -> None:
    assert outcomes["marked"].record["date"]["deleted"] == "2026-03-01T12:34:56.789Z"


def test_date_strings_and_the_timestamps_that_we_write(spark: SparkSession) -> None:
    rows = [
        ("2026-03-02T04:00:00.123456789+05:30",),
        ("2026-03-01",),
        ("2026-03-01 00:00:00",),
        ("12:30",),
        (None,),
    ]
    read = instant(F.col("t"))
    found = spark.createDataFrame(rows, "t string").select(
        utc_date(read).alias("date"), iso_millis(read).alias("millis"), iso_micros(read).alias("micros")
    )
    due = [
        ("2026-03-01", "2026-03-01T22:30:00.123Z", "2026-03-01T22:30:00.123456Z"),
        ("2026-03-01", "2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00.000000Z"),
        *[(None, None, None)] * 3,
    ]
    columns = "date string, millis string, micros string"
    assert_df_equality(found, spark.createDataFrame(due, columns), ignore_nullable=True)
