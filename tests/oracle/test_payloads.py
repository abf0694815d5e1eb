"""What the oracle takes for a change event."""

import json

import pytest

from tests.oracle import Archived, Failed, judge
from tests.oracle.examples import BATCH_TIME, event, image

SALE = event(image("sale"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty payload"),
        (b" \r\n\t", "empty payload"),
        (b"hello", "not JSON"),
        (b'{"eventName":"INSERT"', "not JSON"),
        (b"{'eventName':'INSERT'}", "not JSON"),
        (b'{"eventName":NaN}', "not JSON"),
        (b'{"a":-Infinity}', "not JSON"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":"\n"}', "not JSON"),
        (b'{"a":"\x00"}', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"\xc2\xa0{}", "not JSON"),
        (SALE + SALE, "not JSON"),
        (SALE + b"x", "not JSON"),
        (b"x" + SALE, "not JSON"),
        (SALE + b"\x00", "not JSON"),
        (b"[" + SALE + b"]", "not an object"),
        (b"null", "not an object"),
        (b"7", "not an object"),
        (b'"INSERT"', "not an object"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":"\xc0\xaf"}', "not UTF-8"),
        (b"{}", "eventName missing"),
        (b'{"eventName":null}', "eventName missing"),
        (b'{"eventName":"insert"}', "eventName unknown"),
        (b'{"eventName":5}', "eventName unknown"),
        (b'{"eventName":{}}', "eventName unknown"),
    ],
)
def test_what_is_no_change_event_fails(data: bytes, reason: str) -> None:
    assert judge(data, "1", BATCH_TIME) == Failed(reason)


@pytest.mark.parametrize(
    "data", [b" \r\n\t" + SALE + b" \n", SALE.replace(b"{", b"{\n\t"), SALE[:-1] + b',"a":1E999}']
)
def test_white_space_and_numbers_of_any_size_are_json(data: bytes) -> None:
    assert isinstance(judge(data, "1", BATCH_TIME), Archived)


def test_the_last_of_duplicate_keys_counts() -> None:
    twice = SALE.replace(b'"eventName": "INSERT"', b'"eventName": "X", "eventName": "INSERT"')
    assert b'"X"' in twice
    assert judge(twice, "1", BATCH_TIME) == judge(SALE, "1", BATCH_TIME)


@pytest.mark.parametrize(
    ("name", "section", "reason", "field"),
    [
        ("INSERT", {}, "image missing", "NewImage"),
        ("MODIFY", {"OldImage": {}}, "image missing", "NewImage"),
        ("REMOVE", {"NewImage": {}}, "image missing", "OldImage"),
        ("INSERT", {"NewImage": None}, "image missing", "NewImage"),
        ("INSERT", {"NewImage": []}, "image not a map", "NewImage"),
        ("REMOVE", {"OldImage": "x"}, "image not a map", "OldImage"),
        ("INSERT", [], "image missing", "NewImage"),
    ],
)
def test_br_001_the_image_must_be_there_and_a_map(
    name: str, section: object, reason: str, field: str
) -> None:
    data = json.dumps({"eventName": name, "dynamodb": section}).encode()
    assert judge(data, "1", BATCH_TIME) == Failed(reason, "", field)


@pytest.mark.parametrize(
    "type_",
    [None, "demand", {}, {"S": "Demand"}, {"S": "order"}, {"S": "__proto__"}, {"S": "../x"}, {"N": "1"}, {"NULL": True}, {"S": ""}],
)  # fmt: skip
def test_br_002_other_types_fail(type_: object) -> None:
    assert judge(event(image("sale", type=type_)), "1", BATCH_TIME) == Failed("type missing or unknown")


def test_of_several_failures_the_earliest_step_counts() -> None:
    broken = image("sale", type={"S": "Sale"}, id={"N": "1"}, saleStartDateTime={"S": "12:30"})
    assert judge(event(broken, "UPSERT"), "1", BATCH_TIME) == Failed("eventName unknown")
    assert judge(event(broken), "1", BATCH_TIME) == Failed("type missing or unknown")
    known = broken | {"type": {"S": "sale"}}
    assert judge(event(known), "1", BATCH_TIME) == Failed("wrong DynamoDB type", "sale", "id")
    valid = known | {"id": {"S": "s1"}}
    assert judge(event(valid), "1", BATCH_TIME) == Failed("not an ISO-8601 date", "sale", "saleStartDateTime")
