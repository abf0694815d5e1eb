"""BR-007: a demand with a systemUserId gets system {id, databaseId, memberId}."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from tests.rules.change_events import Outcomes, archived, demand, insert, notification, remove, sale
from transforms.add_system import SystemUserIdPattern, add_system

PARTS = {"id": "sys1", "databaseId": "db2", "memberId": "m3"}
MATCHING = ["sys1.db2.m3", "sys1:db2:m3", "sys1|db2|m3", "sys1.db2:m3"]
NOT_MATCHING = [
    "",
    "sys1",
    "sys1.db2",
    "sys1.db2.",
    ".db2.m3",
    "sys1..m3",
    "sys1.db2.m3.x",
    "sys1-db2-m3",
    "..",
    "a/b/c",
]
OTHER_PATTERN = r"^(?P<memberId>\d+)@(?P<id>\w+)/(?P<databaseId>\w+)$"
CASES = {
    **{f"demand {text!r}": insert(demand(systemUserId=text)) for text in (*MATCHING, *NOT_MATCHING)},
    "without": insert(demand()),
    "NULL": insert(demand(systemUserId=None)),
    "removed": remove(demand(systemUserId="sys1.db2.m3")),
    "any characters": insert(demand(systemUserId="ü 1.\U0001f3ab.-")),
    "notification": insert(notification(systemUserId="sys1.db2.m3")),
    "sale": insert(sale(systemUserId="sys1.db2.m3")),
    "as a number": insert(demand(systemUserId=7)),
}
OTHER_CASES = {
    "other": insert(demand(systemUserId="7@sys1/db2")),
    "default": insert(demand(systemUserId="a.b.c")),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("text", MATCHING)
def test_three_parts_make_the_system(text: str, outcomes: Outcomes) -> None:
    assert outcomes[f"demand {text!r}"].record["system"] == PARTS
    assert outcomes[f"demand {text!r}"].record["systemUserId"] == text


@pytest.mark.parametrize("text", NOT_MATCHING)
def test_without_a_match_the_record_is_archived_without_system(text: str, outcomes: Outcomes) -> None:
    assert outcomes[f"demand {text!r}"].message is None
    assert outcomes[f"demand {text!r}"].record["system"] is None
    assert outcomes[f"demand {text!r}"].record["systemUserId"] == text


@pytest.mark.parametrize("case", ["without", "NULL"])
def test_without_a_system_user_id_there_is_no_system(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].record["system"] is None


def test_a_removed_demand_keeps_its_system(outcomes: Outcomes) -> None:
    assert outcomes["removed"].record["system"] == PARTS


def test_parts_are_any_characters_but_the_separators(outcomes: Outcomes) -> None:
    assert outcomes["any characters"].record["system"] == {
        "id": "ü 1",
        "databaseId": "\U0001f3ab",
        "memberId": "-",
    }


@pytest.mark.parametrize("case", ["notification", "sale"])
def test_only_demands_have_a_system(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case].message is None
    assert "system" not in outcomes[case].record


def test_a_system_user_id_that_is_no_string_is_an_archive_error(outcomes: Outcomes) -> None:
    due = "demand: systemUserId is not a DynamoDB S that fits Avro string (BR-003)"
    assert outcomes["as a number"].message == due


def test_the_pattern_is_the_reader_s_choice(spark: SparkSession) -> None:
    found = archived(spark, OTHER_CASES, pattern=SystemUserIdPattern.of(OTHER_PATTERN))
    assert found["other"].record["system"] == {"id": "sys1", "databaseId": "db2", "memberId": "7"}
    assert found["default"].record["system"] is None


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "not a regular expression"),
        ("^(?P<id>.)(?P<memberId>.)$", "lacks the named group.s. databaseId"),
        ("^.$", "lacks the named group.s. id, databaseId, memberId"),
    ],
)
def test_a_pattern_without_the_three_parts_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        SystemUserIdPattern.of(pattern)


def test_what_does_not_match_is_counted(spark: SparkSession) -> None:
    columns = "type string, systemUserId string"
    rows = [("demand", "sys1.db2.m3"), ("demand", "sys1"), ("demand", None), ("sale", "sys1")]
    found = spark.createDataFrame(rows, columns).transform(add_system, SystemUserIdPattern.of())
    due = spark.createDataFrame(
        [(True, False), (False, True), (False, False), (False, False)], "a boolean, b boolean"
    )
    assert_df_equality(
        found.selectExpr("system a", "withoutSystem b"),
        due,
        ignore_nullable=True,
    )
