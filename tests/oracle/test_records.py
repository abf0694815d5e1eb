"""BR-004 to BR-011 and the change, as the oracle has them, on literal values."""

from typing import Any

import pytest

from tests.oracle import Archived, Failed, archive, iso, judge
from tests.oracle.examples import BATCH_TIME, dates, event, image
from tests.oracle.json_text import Raw, write


def record_of(data: bytes) -> dict[str, Any]:
    verdict = judge(data, "49", BATCH_TIME)
    assert isinstance(verdict, Archived)
    return verdict.record


def test_a_live_demand_in_full() -> None:
    attributes = image("demand", phoneNumber={"S": "+15550100"}, systemUserId={"S": "tix.db1:42"})
    verdict = judge(event(attributes, ApproximateCreationDateTime=1772366400123), "49", BATCH_TIME)
    assert verdict == Archived(
        "demand",
        "2026-03-01",
        {
            "type": "demand",
            "fanId": "f1",
            "eventId": "e1",
            "saleId": "s1",
            "artistId": None,
            "eventName": None,
            "saleName": None,
            "artistName": None,
            "requestedDateTime": "2026-03-01T10:00:00Z",
            "phoneNumber": "+15550100",
            "email": None,
            "contactMethod": None,
            "demandType": None,
            "date": {
                "requested": "2026-03-01T10:00:00Z",
                "triggered": None,
                "notified": None,
                "deleted": None,
            },
            "systemUserId": "tix.db1:42",
            "system": {"id": "tix", "databaseId": "db1", "memberId": "42"},
            "reference": {"id": "e1_s1_f1", "timestamp": "2026-03-01T10:00:00Z"},
            "isDeleted": None,
            "change": {
                "id": None,
                "name": "INSERT",
                "time": "2026-03-01T12:00:00.123000Z",
                "sequenceNumber": "49",
            },
        },
    )


def test_br_004_a_removal_marks_with_the_time_of_the_change() -> None:
    old = image("notification", date=dates(created="2026-03-02", deleted="2020-01-01"))
    record = record_of(event(old, "REMOVE", ApproximateCreationDateTime=1772366400123456))
    assert record["isDeleted"] is True
    assert record["date"]["deleted"] == "2026-03-01T12:00:00.123Z"
    assert record["change"]["time"] == "2026-03-01T12:00:00.123456Z"


def test_br_004_without_a_time_of_the_change_the_batchs_time_is_taken() -> None:
    record = record_of(event(image("sale"), "REMOVE"))
    assert record["date"] == {"deleted": BATCH_TIME}
    assert record["change"]["time"] is None


@pytest.mark.parametrize(
    ("name", "flag", "deleted"), [("REMOVE", None, True), ("MODIFY", True, True), ("MODIFY", False, None), ("INSERT", None, None)]
)  # fmt: skip
def test_br_005_what_is_deleted_is_scrubbed_and_nothing_else(
    name: str, flag: bool | None, deleted: bool | None
) -> None:
    extra = {} if flag is None else {"isDeleted": {"BOOL": flag}}
    attributes = image("notification", messageBody={"S": "hi"}, email={"S": ""}, saleName={"S": "n"}, **extra)
    record = record_of(event(attributes, name))
    redacted = "[redacted]" if deleted else None
    assert record["isDeleted"] is deleted
    assert (record["messageBody"], record["email"]) == (redacted or "hi", redacted or "")
    assert (record["phoneNumber"], record["saleName"]) == (None, "n")


@pytest.mark.parametrize(
    ("texts", "latest"),
    [
        ({"triggered": "2026-03-01T10:00:00.500Z"}, "2026-03-01T10:00:00.500Z"),
        ({"triggered": "2026-03-01T12:00:00+05:30"}, "2026-03-01T10:00:00Z"),
        ({"triggered": "2026-03-01T09:00:00-05:00"}, "2026-03-01T09:00:00-05:00"),
        ({"triggered": "2026-03-01T10:00:00.000Z"}, "2026-03-01T10:00:00Z"),
        ({"triggered": "2026-03-01T10:00:00.000000001Z"}, "2026-03-01T10:00:00.000000001Z"),
        ({"triggered": "soon", "notified": "9999"}, "2026-03-01T10:00:00Z"),
        ({"notified": "2026-03-02"}, "2026-03-02"),
    ],
)
def test_br_006_a_demands_timestamp_is_its_latest_instant_as_it_was_written(
    texts: dict[str, str], latest: str
) -> None:
    record = record_of(event(image("demand", date=dates(requested="2026-03-01T10:00:00Z", **texts))))
    assert record["reference"]["timestamp"] == latest


@pytest.mark.parametrize(
    ("attributes", "reference"),
    [
        (image("notification"), {"id": "e1_s1_f1", "timestamp": BATCH_TIME}),
        (image("notification", date=dates(created="2026-03-02", updated="whenever")), {"id": "e1_s1_f1", "timestamp": "whenever"}),
        (image("event", date=dates(updated="2026-03-02", deleted="")), {"id": "e1", "timestamp": ""}),
        (image("event"), {"id": "e1", "timestamp": BATCH_TIME}),
        (image("sale"), {"id": "e1_s1", "timestamp": "2026-03-03T10:00:00Z"}),
        (image("sale", date=dates(deleted="2026-03-04")), {"id": "e1_s1", "timestamp": "2026-03-04"}),
    ],
)  # fmt: skip
def test_br_006_the_others_take_the_first_date_that_is_present(
    attributes: dict[str, Any], reference: dict[str, str]
) -> None:
    assert record_of(event(attributes))["reference"] == reference


@pytest.mark.parametrize("user", ["", "a", "a.b", "a.b.c.d", "a..c", ".b.c", "a.b."])
def test_br_007_without_three_parts_there_is_no_system(user: str) -> None:
    record = record_of(event(image("demand", systemUserId={"S": user})))
    assert (record["system"], record["systemUserId"]) == (None, user)


@pytest.mark.parametrize(
    ("attributes", "day"),
    [
        (image("demand", date=dates(requested="2026-03-02T04:00:00+05:30")), "2026-03-01"),
        (image("notification", date=dates(created="2026-02-28T23:59:59.999999999-00:01")), "2026-03-01"),
        (image("event"), "2026-03-05"),
        (
            image("event", eventDate={"M": {"start": {"M": {"dateTime": {"S": "2026-07-01T20:00:00"}}}}}),
            "2026-07-01",
        ),
        (image("event", date=dates(updated="x", firstSeen="2026-01-01")), "2026-01-01"),
        (image("sale", saleStartDateTime={"S": "2028-02-29"}), "2028-02-29"),
    ],
)
def test_br_008_to_011_the_partition_date_is_the_utc_date(attributes: dict[str, Any], day: str) -> None:
    verdict = judge(event(attributes), "1", BATCH_TIME)
    assert isinstance(verdict, Archived)
    assert verdict.partition_date == day


def test_br_010_a_fallback_is_for_what_is_absent_not_for_what_is_malformed() -> None:
    start = {"M": {"start": {"M": {"dateTime": {"S": "2026-07-01"}}}}}
    data = event(image("event", eventDate=start, date=dates(updated="x", firstSeen="")))
    assert judge(data, "1", BATCH_TIME) == Failed("not an ISO-8601 date", "event", "date.firstSeen")


@pytest.mark.parametrize(
    "text",
    ["12:30", "2026", "2026-02-30", "2025-02-29", "10000-01-01", "2026-03-01T10:00Z", "2026-03-01 10:00:00", "2026-03-01T24:00:00Z",
     "2026-03-01T10:00:60Z", "2026-03-01T10:00:00.Z", "2026-03-01T10:00:00.1234567890Z", "2026-03-01T10:00:00z", "2026-03-01T10:00:00+0530",
     "2026-03-01Z", "2026-03-01\n", " 2026-03-01", "20260301", "0000-01-01", "2026-03-01T10:00:00+05:60", "２０２６-03-01", ""],
)  # fmt: skip
def test_what_is_no_iso_date_is_none(text: str) -> None:
    assert iso.instant(text) is None


@pytest.mark.parametrize(
    ("created", "precision", "time"),
    [
        (Raw("1772366400"), None, "2026-03-01T12:00:00.000000Z"),
        (Raw("1772366400.25"), None, "2026-03-01T12:00:00.250000Z"),
        (Raw("1.7723664E9"), None, "2026-03-01T12:00:00.000000Z"),
        (Raw("1772366400.1234569"), None, "2026-03-01T12:00:00.123456Z"),
        (Raw("1772366400123"), None, "2026-03-01T12:00:00.123000Z"),
        (Raw("1772366400123456"), None, "2026-03-01T12:00:00.123456Z"),
        (Raw("1772366400"), "MILLISECOND", "1970-01-21T12:19:26.400000Z"),
        (Raw("1772366400123"), "MICROSECOND", "1970-01-21T12:19:26.400123Z"),
        (Raw("1772366400123"), "SECOND", "2026-03-01T12:00:00.123000Z"),
        (Raw("99999999999"), None, "5138-11-16T09:46:39.000000Z"),
        (Raw("100000000000"), None, "1973-03-03T09:46:40.000000Z"),
        (Raw("100000000000000"), None, "1973-03-03T09:46:40.000000Z"),
        (None, None, None),
        (Raw("1e300"), None, None),
        (Raw("1e99999999999999999999"), None, None),
    ],
)
def test_the_time_of_the_change_by_its_precision_or_else_its_size(
    created: Any, precision: Any, time: str | None
) -> None:
    section = {"NewImage": image("sale"), "ApproximateCreationDateTime": created,
               "ApproximateCreationDateTimePrecision": precision}  # fmt: skip
    data = write({"eventName": "INSERT", "dynamodb": section}).encode()
    assert record_of(data)["change"]["time"] == time


def test_a_batch_is_grouped_by_type_and_date_in_stream_order_and_its_failures_by_reason() -> None:
    first, second = event(image("sale", name={"S": "1"})), event(image("sale", name={"S": "2"}))
    rows = [
        ("shard-1", "3", first),
        ("shard-0", "10", second),
        ("shard-0", "9", b"x"),
        ("shard-0", "2", first),
    ]
    records, failures = archive(rows, BATCH_TIME)
    assert [record["name"] for record in records[("sale", "2026-03-03")]] == ["1", "2", "1"]
    assert failures == {Failed("not JSON"): [b"x"]}
