"""Bad input: each becomes one archive error with a stable message and never fails the batch; odd input is archived."""

import base64

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from tests.rules.bad_input import (
    BROKEN,
    CASES,
    DATES,
    EMPTY,
    HALF_EMOJI,
    NO_EVENTS,
    NOT_JSON,
    NOT_UTF8,
    TRUNCATED,
)
from tests.rules.change_events import BATCH_TIME, NO_TYPE, SHARD, Outcomes
from transforms.add_system import SystemUserIdPattern
from transforms.outcomes import outcomes

NOT_ONE_OBJECT = "the payload is not one JSON object"
PLACES = list(dict.fromkeys((each.type, each.path) for each in BROKEN.values()))


def test_one_row_in_one_row_out_and_none_of_them_a_record(bad_outcomes: Outcomes) -> None:
    assert list(bad_outcomes) == list(CASES)
    assert [what for what, outcome in bad_outcomes.items() if outcome.message is None] == []
    assert {(outcome.type, outcome.date) for outcome in bad_outcomes.values()} == {(None, None)}


def test_the_event_s_text_is_held_unchanged(bad_outcomes: Outcomes) -> None:
    texts = {what: data.decode() for what, data in CASES.items() if not what.startswith("not UTF-8")}
    assert {what: bad_outcomes[what].event for what in texts} == texts


@pytest.mark.parametrize("what", EMPTY)
def test_an_empty_payload(what: str, bad_outcomes: Outcomes) -> None:
    assert bad_outcomes[f"empty: {what}"].message == "the payload is empty"


def test_no_payload_at_all_is_an_empty_one(spark: SparkSession) -> None:
    given = spark.createDataFrame([(None, SHARD, "0")], "data binary, shardId string, sequenceNumber string")
    row = outcomes(given, schemas.load(), F.lit(BATCH_TIME), SystemUserIdPattern.of()).first()
    assert row is not None
    assert (row.message, bytes(row.body)) == ("the payload is empty", b',""')


@pytest.mark.parametrize("what", NOT_JSON)
def test_a_payload_that_is_not_exactly_one_json_object(what: str, bad_outcomes: Outcomes) -> None:
    assert bad_outcomes[f"not JSON: {what}"].message == NOT_ONE_OBJECT


def test_truncated_json_wherever_it_ends(bad_outcomes: Outcomes) -> None:
    assert {bad_outcomes[what].message for what in TRUNCATED} == {NOT_ONE_OBJECT}


@pytest.mark.parametrize("what", NOT_UTF8)
def test_a_payload_that_is_not_utf_8_is_held_as_base64(what: str, bad_outcomes: Outcomes) -> None:
    outcome = bad_outcomes[f"not UTF-8: {what}"]
    assert outcome.message == "the payload is not UTF-8; the event is held as base64"
    assert outcome.event == base64.b64encode(NOT_UTF8[what]).decode()


@pytest.mark.parametrize("what", HALF_EMOJI)
def test_half_an_emoji_in_an_archived_string(what: str, bad_outcomes: Outcomes) -> None:
    assert bad_outcomes[f"half an emoji: {what}"].message == HALF_EMOJI[what][1]


@pytest.mark.parametrize("what", NO_EVENTS)
def test_an_object_that_is_no_change_of_a_record(what: str, bad_outcomes: Outcomes) -> None:
    assert bad_outcomes[f"no event: {what}"].message == NO_EVENTS[what][1]


@pytest.mark.parametrize("what", DATES)
def test_a_malformed_date_where_the_partition_date_comes_from(what: str, bad_outcomes: Outcomes) -> None:
    assert bad_outcomes[what].message == DATES[what][1]


@pytest.mark.parametrize(("type_", "path"), PLACES)
def test_each_attribute_with_everything_that_it_must_not_be(
    type_: str, path: str, bad_outcomes: Outcomes
) -> None:
    cases = {what: each for what, each in BROKEN.items() if (each.type, each.path) == (type_, path)}
    due = {what: NO_TYPE if path == "type" else each.message for what, each in cases.items()}
    assert {what: bad_outcomes[what].message for what in cases} == due
