"""BR-002: only the four record types are processed."""

from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from tests.rules.change_events import GONE, IMAGES, NO_TYPE, As, Outcomes, archived, insert, remove, sale
from transforms.check_type import check_type

UNKNOWN: dict[str, Any] = {
    "another": "order",
    "with a capital": "Sale",
    "in capitals": "SALE",
    "empty": "",
    "a blank": " ",
    "ending in a blank": "sale ",
    "ending in a line break": "sale\n",
    "ending in NUL": "sale\x00",
    "__proto__": "__proto__",
    "constructor": "constructor",
    "../x": "../x",
    "sale/../event": "sale/../event",
    "two": "sale, event",
    "null in letters": "null",
    "full-width letters": "ｓａｌｅ",
}
NO_STRINGS: dict[str, Any] = {
    "missing": GONE,
    "NULL": None,
    "a number": 1,
    "a boolean": True,
    "a list": ["sale"],
    "a map": {"S": "sale"},
    "a string set": As({"SS": ["sale"]}),
    "binary": b"sale",
    "a bare string": As("sale"),
    "JSON null": As(None),
    "two tags": As({"S": "sale", "N": "1"}),
    "a tag too many after it": As({"S": "sale", "x": None}),
    "an unknown tag": As({"s": "sale"}),
    "S holding null": As({"S": None}),
    "S holding a list": As({"S": ["sale"]}),
}
CASES = {
    **{type_: insert(make()) for type_, make in IMAGES.items()},
    "escaped": insert(sale()).replace(b'"sale"', b'"\\u0073ale"', 1),
    "repeated": insert(sale()).replace(b'"type":', b'"type":{"S":"order"},"type":', 1),
    "a removed one": remove(sale(type="order")),
    "a value in a string": insert(sale(type=As('{"S":"sale"}'))),
    **{f"unknown: {what}": insert(sale(type=value)) for what, value in {**UNKNOWN, **NO_STRINGS}.items()},
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("type_", IMAGES)
def test_each_of_the_four_types_is_archived_as_what_it_is(type_: str, outcomes: Outcomes) -> None:
    assert outcomes[type_].message is None
    assert outcomes[type_].type == type_
    assert outcomes[type_].record["type"] == type_


@pytest.mark.parametrize("what", UNKNOWN)
def test_any_other_type_is_an_archive_error_whatever_its_case(what: str, outcomes: Outcomes) -> None:
    assert outcomes[f"unknown: {what}"].message == NO_TYPE
    assert outcomes[f"unknown: {what}"].type is None


@pytest.mark.parametrize("what", NO_STRINGS)
def test_a_type_that_is_no_string_is_an_archive_error(what: str, outcomes: Outcomes) -> None:
    assert outcomes[f"unknown: {what}"].message == NO_TYPE


def test_a_string_that_looks_like_a_type_is_an_archive_error(outcomes: Outcomes) -> None:
    assert outcomes["a value in a string"].message == NO_TYPE


def test_a_removed_record_needs_a_type_too(outcomes: Outcomes) -> None:
    assert outcomes["a removed one"].message == NO_TYPE


def test_a_type_written_with_escapes_is_the_type_it_spells(outcomes: Outcomes) -> None:
    assert outcomes["escaped"].record["type"] == "sale"


def test_of_a_repeated_type_the_last_counts(outcomes: Outcomes) -> None:
    assert outcomes["repeated"].record["type"] == "sale"


def test_the_step_takes_the_type_away_and_says_why(spark: SparkSession) -> None:
    columns = "type string, message string"
    given = spark.createDataFrame([("event", None), ("Event", None), (None, None), (None, "why")], columns)
    due = spark.createDataFrame([("event", None), (None, NO_TYPE), (None, NO_TYPE), (None, "why")], columns)
    assert_df_equality(given.transform(check_type), due, ignore_nullable=True)
