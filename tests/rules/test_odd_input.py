"""Legal but odd input is archived, as the literal record that it stands for."""

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.rules.change_events import As, Outcomes, archived, insert, payload, sale

SMALL = {
    "type": "sale",
    "id": "s1",
    "eventId": "e1",
    "name": None,
    "saleStartDateTime": "2026-03-03T10:00:00Z",
    "date": None,
    "reference": {"id": "e1_s1", "timestamp": "2026-03-03T10:00:00Z"},
    "isDeleted": None,
}
PRESALE = SMALL | {"name": "Presale"}
WHOLE = insert(sale(name="Presale"))
MEBIBYTE = 1 << 20
N38 = "12345678901234567890123456789012345678"
STRINGS = {
    "an emoji": "\U0001f3ab",
    "an emoji of several characters": "👩\u200d🎤 🏳️\u200d🌈",
    "the last character of Unicode": "\U0010ffff",
    "a line separator": "a\u2028b\u2029c",
    "a next line": "a\x85b",
    "a byte order mark": "\ufeffPresale",
    "a no-character": "\ufffe\uffff\ufdd0",
    "a replacement character": "\ufffd",
    "a NUL": "a\x00b",
    "control characters": "\x01\x1f\x7f\x80\x9f",
    "line breaks": "a\nb\r\nc\td",
    "a letter in two parts": "e\u0301",
    "from right to left": "\u202eمرحبا",
    "an empty string": "",
    "blanks": "  ",
    "quotes and backslashes": '"\\" \\u0041 \\\\',
    "question marks": "???",
    "JSON": '{"S":"x"}',
    "null": "null",
    "true": "true",
    "a number": "1e400",
    "redacted": "[redacted]",
    "a path": "../../etc/passwd",
    "a formula": "=1+1",
}


def nested(levels: int) -> Any:
    value: Any = {"S": "the bottom"}
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {"down": value}}
    return value


def padded(make: Any, name: str) -> bytes:
    """A change event of exactly 1 MiB, most of it in one attribute."""
    return insert(make(**{name: "x" * (MEBIBYTE - len(insert(make(**{name: ""}))))}))


def escaped(data: bytes) -> bytes:
    """The same JSON with every character of its strings escaped."""
    inside, text = False, ""
    for character in data.decode():
        inside ^= character == '"'
        text += f"\\u{ord(character):04x}" if inside and character != '"' else character
    return text.encode()


CASES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "pretty-printed": (json.dumps(json.loads(WHOLE), indent=4).encode(), PRESALE),
    "a token a line": (json.dumps(json.loads(WHOLE), indent=0, separators=("\n,\n", "\r\n:\t")).encode(), PRESALE),
    "white space around": (b"\r\n\t " + WHOLE + b" \n\n", PRESALE),
    "all escaped": (escaped(WHOLE), PRESALE),
    "32 levels in an unknown attribute": (insert(sale(deep=As(nested(32)))), SMALL),
    "400 levels in an unknown attribute": (insert(sale(deep=As(nested(400)))), SMALL),
    "1 MiB in an unknown attribute": (padded(sale, "unknown"), SMALL),
    "1 MiB in an archived attribute": (padded(sale, "name"), SMALL | {"name": "x" * (MEBIBYTE - len(insert(sale(name=""))))}),
    "ten thousand unknown attributes": (insert(sale(**{f"a{number}": number for number in range(10_000)})), SMALL),
    "unknown attributes of all types": (
        insert(sale(s="x", n=1, b=b"\x00", bool=True, null=None, m={"a": {"b": "c"}}, l=[1, "x", None],
                    ss=As({"SS": ["a"]}), ns=As({"NS": [N38, "1E-130"]}), bs=As({"BS": ["AAE="]}))),
        SMALL,
    ),
    "unknown attributes that are nothing": (insert(sale(a=As(None), b=As(5), c=As({}), d=As([]), e=As({"X": 1}), f=As("x"))), SMALL),
    "an unknown attribute called __proto__": (insert(sale(__proto__="x", constructor=As({"M": {}}))), SMALL),
    "unknown attributes with odd names": (insert(sale(**{"": "x", "a.b": "x", "`": "x", '"': "x", "ü\U0001f3ab": "x", "$": "x", "\x00": "x"})), SMALL),
    "half an emoji in an unknown attribute": (insert(sale(unknown="\ud83c")), SMALL),
    "half an emoji in an unknown name": (insert(sale(**{"\ud83c": "x"})), SMALL),
    "a number of 1000 digits": (insert(sale(), SizeBytes="@").replace(b'"@"', b"9" * 1000), SMALL),
    "a number beyond a double": (insert(sale(), SizeBytes="@").replace(b'"@"', b"1E+400"), SMALL),
    "repeated eventName": (WHOLE.replace(b'"eventName":', b'"eventName":"NONSENSE","eventName":'), PRESALE),
    "repeated dynamodb": (WHOLE.replace(b'"dynamodb":', b'"dynamodb":5,"dynamodb":'), PRESALE),
    "repeated image": (WHOLE.replace(b'"NewImage":', b'"NewImage":{"type":{"S":"event"}},"NewImage":'), PRESALE),
    "repeated image, first null": (WHOLE.replace(b'"NewImage":', b'"NewImage":null,"NewImage":'), PRESALE),
    "repeated type": (WHOLE.replace(b'"type":', b'"type":{"S":"event"},"type":'), PRESALE),
    "repeated attribute": (WHOLE.replace(b'"name":', b'"name":{"S":"first"},"name":'), PRESALE),
    "repeated attribute, first wrong": (WHOLE.replace(b'"name":', b'"name":{"N":"1"},"name":'), PRESALE),
    "repeated attribute, first a string": (WHOLE.replace(b'"name":', b'"name":"first","name":'), PRESALE),
    "repeated attribute, first a value in a string": (WHOLE.replace(b'"name":', b'"name":"{\\"S\\":\\"x\\"}","name":'), PRESALE),
    "repeated attribute, first JSON null": (WHOLE.replace(b'"name":', b'"name":null,"name":'), PRESALE),
    "repeated attribute, last NULL": (WHOLE.replace(b'"Presale"}', b'"Presale"},"name":{"NULL":true}'), SMALL),
    "repeated tag": (WHOLE.replace(b'{"S":"Presale"', b'{"S":"first","S":"Presale"'), PRESALE),
    "repeated tag, first wrong": (WHOLE.replace(b'{"S":"Presale"', b'{"S":5,"S":"Presale"'), PRESALE),
    "repeated NULL": (insert(sale(name=None)).replace(b'{"NULL":', b'{"NULL":false,"NULL":'), SMALL),
    "repeated BOOL": (
        insert(sale(isDeleted=False)).replace(b'{"BOOL":', b'{"BOOL":true,"BOOL":'),
        SMALL,
    ),
    "repeated member": (
        insert(sale(date={"deleted": "2026-03-01"})).replace(b'"deleted":', b'"deleted":{"S":"x"},"deleted":'),
        SMALL | {"date": {"deleted": "2026-03-01"}, "reference": {"id": "e1_s1", "timestamp": "2026-03-01"}},
    ),
    "repeated M": (
        insert(sale(date={"deleted": "2026-03-01"})).replace(b'{"M":', b'{"M":{"deleted":{"N":"1"}},"M":'),
        SMALL | {"date": {"deleted": "2026-03-01"}, "reference": {"id": "e1_s1", "timestamp": "2026-03-01"}},
    ),
    "repeated unknown attribute": (insert(sale(unknown="x")).replace(b'"unknown":', b'"unknown":5,"unknown":'), SMALL),
    "NULL on every optional attribute": (insert(sale(name=None, date=None, isDeleted=None)), SMALL),
    "NULL on every optional member": (insert(sale(date={"deleted": None})), SMALL | {"date": {"deleted": None}}),
    "an empty map": (insert(sale(date={})), SMALL | {"date": {"deleted": None}}),
    "isDeleted false": (insert(sale(isDeleted=False)), SMALL),
    "another offset": (
        insert(sale(saleStartDateTime="2026-03-03T04:00:00+05:30")),
        SMALL | {"saleStartDateTime": "2026-03-03T04:00:00+05:30", "reference": {"id": "e1_s1", "timestamp": "2026-03-03T04:00:00+05:30"}},
    ),
    "keys in another order": (payload(json.loads(WHOLE, object_pairs_hook=lambda pairs: dict(reversed(pairs)))), PRESALE),
    **{f"name: {what}": (insert(sale(name=text)), SMALL | {"name": text}) for what, text in STRINGS.items()},
    **{f"name: {what}, in ASCII": (json.dumps(json.loads(insert(sale(name=text)))).encode(), SMALL | {"name": text})
       for what, text in STRINGS.items()},
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession) -> Outcomes:
    return archived(spark, {what: data for what, (data, _) in CASES.items()})


@pytest.mark.parametrize("what", CASES)
def test_it_is_archived_as_what_it_stands_for(what: str, outcomes: Outcomes) -> None:
    assert outcomes[what].message is None
    record = outcomes[what].record
    assert {name: value for name, value in record.items() if name != "change"} == CASES[what][1]


def test_an_offset_changes_the_utc_date(outcomes: Outcomes) -> None:
    assert outcomes["another offset"].date == "2026-03-02"
    assert outcomes["pretty-printed"].date == "2026-03-03"


def test_what_is_odd_is_as_large_as_it_says() -> None:
    sizes = {len(CASES[f"1 MiB in an {which} attribute"][0]) for which in ("unknown", "archived")}
    assert sizes == {MEBIBYTE}
