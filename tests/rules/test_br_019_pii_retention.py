"""BR-019: records that are not deleted keep their personal data, deleted ones don't."""

import pytest
from pyspark.sql import SparkSession

from tests.rules.change_events import Outcomes, archived, demand, insert, modify, notification, remove

PHONE, EMAIL, BODY = "+15550100", "f1@example.com", "Your \U0001f3ab: https://tickets.example.com/1"
DEMAND = demand(phoneNumber=PHONE, email=EMAIL)
NOTIFICATION = notification(phoneNumber=PHONE, email=EMAIL, messageBody=BODY)
CASES = {
    "inserted demand": insert(DEMAND),
    "modified demand": modify(DEMAND, OldImage=demand(phoneNumber="+15550199")),
    "inserted notification": insert(NOTIFICATION),
    "removed notification": remove(NOTIFICATION),
    "removed demand": remove(DEMAND),
    "redacted by hand": insert(demand(phoneNumber="[redacted]")),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, CASES)


@pytest.mark.parametrize("case", ["inserted demand", "modified demand", "inserted notification"])
def test_a_record_that_is_not_deleted_keeps_phone_and_email(case: str, outcomes: Outcomes) -> None:
    assert (outcomes[case].record["phoneNumber"], outcomes[case].record["email"]) == (PHONE, EMAIL)


def test_a_notification_that_is_not_deleted_keeps_its_text(outcomes: Outcomes) -> None:
    assert outcomes["inserted notification"].record["messageBody"] == BODY


@pytest.mark.parametrize("case", ["removed notification", "removed demand"])
def test_nothing_of_it_is_left_in_a_deleted_record(case: str, outcomes: Outcomes) -> None:
    text = repr(outcomes[case].record)
    assert not [value for value in (PHONE, EMAIL, BODY) if value in text]


def test_redacted_is_a_value_like_any_other_in_a_record_that_is_not_deleted(outcomes: Outcomes) -> None:
    assert outcomes["redacted by hand"].record["phoneNumber"] == "[redacted]"
    assert outcomes["redacted by hand"].record["isDeleted"] is None
