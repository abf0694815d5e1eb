"""BR-011: a sale's partition date is the UTC date of saleStartDateTime."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from tests.rules.change_events import BATCH_TIME, GONE, Outcomes, archived, insert, remove, sale
from transforms.add_partition_date import add_partition_date
from transforms.columns import walk

MALFORMED = "sale: saleStartDateTime is not an ISO-8601 date (BR-011)"
CASES = {
    "starting": insert(sale(saleStartDateTime="2026-03-02T04:00:00+05:30")),
    "removed": remove(sale(saleStartDateTime="2026-03-02"), ApproximateCreationDateTime=1782368496),
    "in words": insert(sale(saleStartDateTime="soon")),
    "a day that is none": insert(sale(saleStartDateTime="2026-02-30", date={"deleted": "2026-03-01"})),
    "missing": insert(sale(saleStartDateTime=GONE)),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


def test_it_is_the_utc_date_of_that_instant(outcomes: Outcomes) -> None:
    assert outcomes["starting"].date == "2026-03-01"


def test_a_removed_sale_stays_where_it_starts(outcomes: Outcomes) -> None:
    assert outcomes["removed"].date == "2026-03-02"


@pytest.mark.parametrize("case", ["in words", "a day that is none"])
def test_anything_else_is_an_archive_error(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].message == MALFORMED


def test_it_has_no_fallback(outcomes: Outcomes) -> None:
    assert outcomes["missing"].message == "sale: saleStartDateTime is missing (BR-003)"


def test_the_step_gives_each_type_its_own_date_and_none_to_an_archive_error(spark: SparkSession) -> None:
    names = [".".join(path) for path, _ in walk(schemas.merged_attributes(schemas.load()))]
    dates = {
        "date.requested": "2026-01-01",
        "date.created": "2026-01-02",
        "date.firstSeen": "2026-01-03",
        "saleStartDateTime": "2026-01-04",
    }
    given = spark.createDataFrame(
        [(type_, message) for type_ in schemas.RECORD_TYPES for message in (None, "why")],
        "type string, message string",
    ).withColumns({name: F.lit(dates.get(name)).cast("string") for name in names if name != "type"})
    found = given.transform(add_partition_date, F.lit(BATCH_TIME)).select("type", "partitionDate", "message")
    due = [
        ("demand", "2026-01-01", None), ("demand", None, "why"),
        ("notification", "2026-01-02", None), ("notification", None, "why"),
        ("event", "2026-01-03", None), ("event", None, "why"),
        ("sale", "2026-01-04", None), ("sale", None, "why"),
    ]  # fmt: skip
    columns = "type string, partitionDate string, message string"
    assert_df_equality(found, spark.createDataFrame(due, columns), ignore_nullable=True)
