"""BR-005: deleted records have phoneNumber, email and messageBody replaced by [redacted]."""

import json
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

import schemas
from tests.rules.change_events import Outcomes, archived, demand, insert, modify, notification, remove, sale
from transforms.scrub import scrub

PII = {"phoneNumber": "+15550100", "email": "f1@example.com"}
MESSAGE = {**PII, "messageBody": "Your sale is on"}
CASES = {
    "removed demand": remove(demand(**PII, artistName="Nobody", systemUserId="s.d.m")),
    "removed notification": remove(notification(**MESSAGE, saleName="Presale")),
    "removed without": remove(notification()),
    "removed with NULL": remove(notification(phoneNumber=None, email=None, messageBody=None)),
    "removed with empty ones": remove(notification(phoneNumber="", email="", messageBody="")),
    "removed with one of them": remove(notification(email="f1@example.com")),
    "removed once more": remove(demand(phoneNumber="[redacted]", email="[redacted]", isDeleted=True)),
    "live but deleted": modify(notification(**MESSAGE, isDeleted=True)),
    "inserted as deleted": insert(demand(**PII, isDeleted=True)),
    "live and not deleted": modify(notification(**MESSAGE, isDeleted=False)),
    "live with date.deleted alone": modify(
        demand(**PII, date={"requested": "2026-03-01", "deleted": "2026-03-02"})
    ),
    "removed sale with a phone": remove(sale(phoneNumber="+15550100", name="+15550100")),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


def pii_of(record: dict[str, Any]) -> list[Any]:
    return [record.get(name) for name in ("phoneNumber", "email", "messageBody")]


@pytest.mark.parametrize("case", ["removed notification", "live but deleted", "removed with empty ones"])
def test_a_deleted_record_s_personal_data_is_redacted(case: str, outcomes: Outcomes) -> None:
    assert pii_of(outcomes[case].record) == ["[redacted]", "[redacted]", "[redacted]"]


@pytest.mark.parametrize("case", ["removed demand", "inserted as deleted", "removed once more"])
def test_a_deleted_demand_has_no_message_to_redact(case: str, outcomes: Outcomes) -> None:
    assert pii_of(outcomes[case].record) == ["[redacted]", "[redacted]", None]


@pytest.mark.parametrize("case", ["removed without", "removed with NULL"])
def test_absent_stays_absent(case: str, outcomes: Outcomes) -> None:
    assert pii_of(outcomes[case].record) == [None, None, None]
    assert pii_of(outcomes["removed with one of them"].record) == [None, "[redacted]", None]


def test_is_deleted_false_is_not_deleted(outcomes: Outcomes) -> None:
    assert pii_of(outcomes["live and not deleted"].record) == list(MESSAGE.values())


def test_a_date_deleted_alone_is_no_deletion(outcomes: Outcomes) -> None:
    assert pii_of(outcomes["live with date.deleted alone"].record) == [*PII.values(), None]


def test_nothing_else_is_scrubbed(outcomes: Outcomes) -> None:
    demand_, notification_ = outcomes["removed demand"].record, outcomes["removed notification"].record
    assert (demand_["artistName"], demand_["systemUserId"], demand_["fanId"]) == ("Nobody", "s.d.m", "f1")
    assert demand_["system"] == {"id": "s", "databaseId": "d", "memberId": "m"}
    assert (notification_["saleName"], notification_["reference"]["id"]) == ("Presale", "e1_s1_f1")
    assert outcomes["removed sale with a phone"].record["name"] == "+15550100"


def test_the_schemas_mark_the_three_and_nothing_else() -> None:
    marked = {
        (type_, each.name)
        for type_, schema in schemas.load().items()
        for each in schema.attributes
        if each.pii
    }
    assert marked == {
        ("demand", "phoneNumber"),
        ("demand", "email"),
        ("notification", "phoneNumber"),
        ("notification", "email"),
        ("notification", "messageBody"),
    }
    texts = [(Path(schemas.__file__).parent / f"{type_}.avsc").read_text() for type_ in schemas.RECORD_TYPES]
    assert sum(text.count('"pii"') for text in texts) == len(marked)
    assert all(json.loads(text) for text in texts)


def test_the_step_replaces_what_is_present_where_is_deleted_is_true(spark: SparkSession) -> None:
    columns = "isDeleted boolean, phoneNumber string, email string, name string"
    rows = [
        (True, "+15550100", None, "n"),
        (False, "+15550100", "", "n"),
        (None, None, "f1@example.com", "n"),
    ]
    due = [(True, "[redacted]", None, "n"), *rows[1:]]
    found = spark.createDataFrame(rows, columns).transform(scrub, ["phoneNumber", "email"])
    assert_df_equality(found, spark.createDataFrame(due, columns), ignore_nullable=True)
