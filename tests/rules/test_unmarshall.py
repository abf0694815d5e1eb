"""Unmarshall: DynamoDB's ten types become the record's values; numbers keep every digit."""

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.rules.change_events import As, Outcomes, archived, insert, sale
from tests.schemas.copies import decimal, optional, record_type, with_fields

PLACE = record_type("Place", {"name": "city", "type": "string"}, optional("seats", "long"))
FIELDS = [
    optional("text", "string"),
    optional("short", "int"),
    optional("whole", "long"),
    optional("ratio", "double"),
    optional("price", decimal(9, 2)),
    optional("exact", decimal(38, 0)),
    optional("tiny", decimal(38, 38)),
    optional("raw", "bytes"),
    optional("flag", "boolean"),
    optional("place", PLACE),
    optional("words", {"type": "array", "items": "string"}),
    optional("counts", {"type": "array", "items": "long"}),
    optional("amounts", {"type": "array", "items": decimal(38, 10)}),
    optional("blobs", {"type": "array", "items": "bytes"}),
    optional("flags", {"type": "array", "items": "boolean"}),
    optional("grid", {"type": "array", "items": {"type": "array", "items": "long"}}),
    optional("stops", {"type": "array", "items": record_type("Stop", {"name": "at", "type": "string"}, optional("gate", "long"))}),
    optional("gaps", {"type": "array", "items": ["null", "string"]}),
    optional("blanks", {"type": "map", "values": ["null", "long"]}),
    optional("labels", {"type": "map", "values": "string"}),
    optional("totals", {"type": "map", "values": "long"}),
    optional("lists", {"type": "map", "values": {"type": "array", "items": "string"}}),
]  # fmt: skip
N38 = "12345678901234567890123456789012345678"

# What an attribute holds in the image, and what the record then holds.
VALUES: dict[str, tuple[str, Any, Any]] = {
    "S": ("text", {"S": "Presale"}, "Presale"),
    "S empty": ("text", {"S": ""}, ""),
    "S with quotes and backslashes": ("text", {"S": 'say "\\u0041" \\ / \b\f\n\r\t'}, 'say "\\u0041" \\ / \b\f\n\r\t'),
    "S with question marks": ("text", {"S": "what? \U0001f3ab?"}, "what? \U0001f3ab?"),
    "S that looks like a value": ("text", {"S": '{"S":"x"}'}, '{"S":"x"}'),
    "S that looks like the end of one": ("text", {"S": '"},"N":{"N":"1'}, '"},"N":{"N":"1'),
    "S saying null": ("text", {"S": "null"}, "null"),
    "N": ("whole", {"N": "42"}, 42),
    "N negative": ("whole", {"N": "-42"}, -42),
    "N with a zero fraction": ("whole", {"N": "42.00"}, 42),
    "N with an exponent": ("whole", {"N": "4.2E+3"}, 4200),
    "N with a negative exponent": ("whole", {"N": "4200e-2"}, 42),
    "N zero": ("whole", {"N": "0"}, 0),
    "N zero with an exponent": ("whole", {"N": "0E+10"}, 0),
    "N the greatest long": ("whole", {"N": "9223372036854775807"}, 9223372036854775807),
    "N the least long": ("whole", {"N": "-9223372036854775808"}, -9223372036854775808),
    "N beyond a double's digits": ("whole", {"N": "9007199254740993"}, 9007199254740993),
    "N the greatest int": ("short", {"N": "2147483647"}, 2147483647),
    "N as a double": ("ratio", {"N": "0.1"}, 0.1),
    "N as a double, great": ("ratio", {"N": "9.99E+125"}, 9.99e125),
    "N as a double, small": ("ratio", {"N": "-1E-130"}, -1e-130),
    "N as a decimal": ("price", {"N": "12.50"}, Decimal("12.50")),
    "N as a decimal, whole": ("price", {"N": "12"}, Decimal("12.00")),
    "N as a decimal, with an exponent": ("price", {"N": "1.25E+1"}, Decimal("12.50")),
    "N as a decimal, more zeros than places": ("price", {"N": "12.50000000"}, Decimal("12.50")),
    "N of 38 digits": ("exact", {"N": N38}, Decimal(N38)),
    "N of 38 digits, negative": ("exact", {"N": f"-{N38}"}, Decimal(f"-{N38}")),
    "N of 38 places": ("tiny", {"N": f"0.{N38}"}, Decimal(f"0.{N38}")),
    "N of 38 places, with an exponent": ("tiny", {"N": "1E-38"}, Decimal("1E-38")),
    "B": ("raw", {"B": "3q2+7w=="}, b"\xde\xad\xbe\xef"),
    "B empty": ("raw", {"B": ""}, b""),
    "BOOL true": ("flag", {"BOOL": True}, True),
    "BOOL false": ("flag", {"BOOL": False}, False),
    "M as a record": ("place", {"M": {"city": {"S": "Berlin"}, "seats": {"N": "9"}}}, {"city": "Berlin", "seats": 9}),
    "M as a record, less the optional": ("place", {"M": {"city": {"S": ""}}}, {"city": "", "seats": None}),
    "M as a record, NULL inside": ("place", {"M": {"city": {"S": "x"}, "seats": {"NULL": True}}}, {"city": "x", "seats": None}),
    "M as a record, more inside": ("place", {"M": {"city": {"S": "x"}, "more": 5}}, {"city": "x", "seats": None}),
    "M as a map": ("labels", {"M": {"de": {"S": "früh"}, "": {"S": "\U0001f3ab"}}}, {"de": "früh", "": "\U0001f3ab"}),
    "M as an empty map": ("labels", {"M": {}}, {}),
    "M of numbers": ("totals", {"M": {"a": {"N": "1"}, "b": {"N": "-2"}}}, {"a": 1, "b": -2}),
    "M of lists": ("lists", {"M": {"a": {"L": [{"S": "x"}]}, "b": {"SS": ["y"]}}}, {"a": ["x"], "b": ["y"]}),
    "L": ("words", {"L": [{"S": "b"}, {"S": "a"}, {"S": "b"}]}, ["b", "a", "b"]),
    "L empty": ("words", {"L": []}, []),
    "L of strings that need care": ("words", {"L": [{"S": '"'}, {"S": "]"}, {"S": "{"}]}, ['"', "]", "{"]),
    "L of numbers": ("counts", {"L": [{"N": "1"}, {"N": "2E1"}]}, [1, 20]),
    "L of decimals": ("amounts", {"L": [{"N": "0.1234567891"}]}, [Decimal("0.1234567891")]),
    "L of binary": ("blobs", {"L": [{"B": "AAE="}]}, [b"\x00\x01"]),
    "L of booleans": ("flags", {"L": [{"BOOL": True}, {"BOOL": False}]}, [True, False]),
    "L of lists": ("grid", {"L": [{"L": [{"N": "1"}]}, {"NS": ["2", "3"]}, {"L": []}]}, [[1], [2, 3], []]),
    "L of maps": ("stops", {"L": [{"M": {"at": {"S": "a"}}}, {"M": {"at": {"S": "b"}, "gate": {"N": "2"}}}]},
                  [{"at": "a", "gate": None}, {"at": "b", "gate": 2}]),
    "L of maps, NULL inside": ("stops", {"L": [{"M": {"at": {"S": "a"}, "gate": {"NULL": True}}}]}, [{"at": "a", "gate": None}]),
    "L with NULL where null may be": ("gaps", {"L": [{"S": "a"}, {"NULL": True}, {"S": ""}]}, ["a", None, ""]),
    "L of NULL alone": ("gaps", {"L": [{"NULL": True}]}, [None]),
    "SS where null may be": ("gaps", {"SS": ["a"]}, ["a"]),
    "M with NULL where null may be": ("blanks", {"M": {"a": {"NULL": True}, "b": {"N": "1"}}}, {"a": None, "b": 1}),
    "SS": ("words", {"SS": ["vip", "früh", ""]}, ["vip", "früh", ""]),
    "SS that looks like values": ("words", {"SS": ['{"S":"x"}', "5", "null", "true"]}, ['{"S":"x"}', "5", "null", "true"]),
    "NS": ("counts", {"NS": ["1", "-2", "3E2"]}, [1, -2, 300]),
    "NS of decimals": ("amounts", {"NS": ["-1.5", "3E-7"]}, [Decimal("-1.5"), Decimal("3E-7")]),
    "BS": ("blobs", {"BS": ["AAE=", "AgM="]}, [b"\x00\x01", b"\x02\x03"]),
}  # fmt: skip

# What doesn't fit the Avro type of an attribute.
UNFIT: dict[str, tuple[str, Any]] = {
    "N with a fraction as a long": ("whole", {"N": "1.5"}),
    "N past the greatest long": ("whole", {"N": "9223372036854775808"}),
    "N of 38 digits as a long": ("whole", {"N": N38}),
    "N great as a long": ("whole", {"N": "1E+125"}),
    "N small as a long": ("whole", {"N": "1E-125"}),
    "N past the greatest int": ("short", {"N": "2147483648"}),
    "N with more places than the decimal": ("price", {"N": "12.505"}),
    "N with more digits than the decimal": ("price", {"N": "12345678.00"}),
    "N small as a decimal": ("price", {"N": "1E-3"}),
    "N of 39 digits": ("exact", {"N": N38 + "9"}),
    "N past a double": ("ratio", {"N": "1E+400"}),
    "N that is no number": ("ratio", {"N": "NaN"}),
    "N that is infinite": ("ratio", {"N": "Infinity"}),
    "N in hexadecimal": ("ratio", {"N": "0x1F"}),
    "N with a suffix": ("ratio", {"N": "1.5d"}),
    "N with a blank": ("whole", {"N": " 1"}),
    "N ending in a line break": ("whole", {"N": "1\n"}),
    "N with a plus": ("whole", {"N": "+1"}),
    "N in Arabic digits": ("whole", {"N": "٤٢"}),
    "N empty": ("whole", {"N": ""}),
    "N as a JSON number": ("whole", {"N": 1}),
    "B that is not base64": ("raw", {"B": "?"}),
    "B without padding": ("raw", {"B": "AAE"}),
    "BOOL in a string": ("flag", {"BOOL": "true"}),
    "BOOL as a number": ("flag", {"BOOL": 1}),
    "BOOL null": ("flag", {"BOOL": None}),
    "M as a list": ("labels", {"M": []}),
    "M with a wrong value": ("labels", {"M": {"a": {"N": "1"}}}),
    "M with NULL": ("labels", {"M": {"a": {"NULL": True}}}),
    "M with JSON null": ("labels", {"M": {"a": None}}),
    "M with a bare value": ("labels", {"M": {"a": "x"}}),
    "M with a value in a string": ("labels", {"M": {"a": '{"S":"x"}'}}),
    "M with two tags inside": ("labels", {"M": {"a": {"S": "x", "N": "1"}}}),
    "M and another tag": ("labels", {"M": {}, "S": "x"}),
    "L as a map": ("words", {"L": {}}),
    "L null": ("words", {"L": None}),
    "L with a number": ("words", {"L": [{"S": "x"}, {"N": "1"}]}),
    "L with NULL": ("words", {"L": [{"NULL": True}]}),
    "L with JSON null": ("words", {"L": [None]}),
    "L with a bare value": ("words", {"L": ["x"]}),
    "L with a value in a string": ("words", {"L": ['{"S":"x"}']}),
    "L with an empty object": ("words", {"L": [{}]}),
    "L and another tag": ("words", {"L": [{"S": "x"}], "SS": ["y"]}),
    "L of maps with a wrong member": ("stops", {"L": [{"M": {"at": {"N": "1"}}}]}),
    "L of maps with a member missing": ("stops", {"L": [{"M": {}}]}),
    "L of maps with a member JSON null": ("stops", {"L": [{"M": {"at": {"S": "a"}, "gate": None}}]}),
    "L of maps with a value in a string": ("stops", {"L": [{"M": {"at": {"S": "a"}, "gate": '{"N":"1"}'}}]}),
    "L of maps in a string": ("stops", {"L": ['{"M":{"at":{"S":"a"}}}']}),
    "L with JSON null where null may be": ("gaps", {"L": [{"S": "a"}, None]}),
    "L with NULL false where null may be": ("gaps", {"L": [{"NULL": False}]}),
    "L with a number where null may be": ("gaps", {"L": [{"NULL": True}, {"N": "1"}]}),
    "SS with null where null may be": ("gaps", {"SS": ["a", None]}),
    "M with JSON null where null may be": ("blanks", {"M": {"a": None}}),
    "M with a string where null may be": ("blanks", {"M": {"a": {"NULL": True}, "b": {"S": "1"}}}),
    "SS with a number": ("words", {"SS": ["x", 5]}),
    "SS with null": ("words", {"SS": ["x", None]}),
    "SS with a value": ("words", {"SS": [{"S": "x"}]}),
    "SS as a string": ("words", {"SS": "x"}),
    "NS with a JSON number": ("counts", {"NS": ["1", 2]}),
    "NS with no number": ("counts", {"NS": ["one"]}),
    "NS with a fraction": ("counts", {"NS": ["1.5"]}),
    "NS where SS is due": ("words", {"NS": ["1"]}),
    "SS where NS is due": ("counts", {"SS": ["1"]}),
    "BS that is not base64": ("blobs", {"BS": ["AAE=", "?"]}),
    "SS where BS is due": ("blobs", {"SS": ["AAE="]}),
    "L in a string": ("words", '{"L":[{"S":"x"}]}'),
    "L in a string, spaced": ("words", '{ "L":[{"S":"x"}]}'),
    "L in a string over two lines": ("words", '{\n"L":[]}'),
    "M in a string, spaced": ("labels", '{\t"M":{}}'),
    "SS in a string, spaced": ("words", ' {"SS":["x"]}'),
    "half an emoji": ("text", {"S": "\ud83c"}),
    "half an emoji beside a question mark": ("text", {"S": "what? \udfab"}),
    "half an emoji in L": ("words", {"L": [{"S": "a"}, {"S": "\ud83c"}]}),
    "half an emoji in SS": ("words", {"SS": ["a", "\ud83c"]}),
    "half an emoji in M": ("labels", {"M": {"a": {"S": "\udfab"}}}),
    "half an emoji as a key of M": ("labels", {"M": {"\ud83c": {"S": "x"}}}),
}  # fmt: skip
KINDS = {
    "text": "S that fits Avro string",
    "short": "N that fits Avro int",
    "whole": "N that fits Avro long",
    "ratio": "N that fits Avro double",
    "price": "N that fits Avro decimal",
    "exact": "N that fits Avro decimal",
    "raw": "B that fits Avro bytes",
    "flag": "BOOL that fits Avro boolean",
    "words": "L or SS that fits Avro array",
    "counts": "L or NS that fits Avro array",
    "blobs": "L or BS that fits Avro array",
    "stops": "L that fits Avro array",
    "labels": "M that fits Avro map",
    "gaps": "L or SS that fits Avro array",
    "blanks": "M that fits Avro map",
}
# Of 1e999, as large as JSON likes, a careless reader makes the string Infinity.
BEYOND_DOUBLE = {
    "S": ("text", {"S": 98765}),
    "B": ("raw", {"B": 98765}),
    "L": ("words", {"L": [{"S": "x"}, {"S": 98765}]}),
    "SS": ("words", {"SS": ["x", 98765]}),
    "M": ("labels", {"M": {"a": {"S": 98765}}}),
}
NAMES = [field["name"] for field in FIELDS]
CASES = {
    **{
        f"{case} beyond double": insert(sale(**{name: As(value)})).replace(b"98765", b"1e999")
        for case, (name, value) in BEYOND_DOUBLE.items()
    },
    **{
        f"{case} far below zero": insert(sale(**{name: As(value)})).replace(b"98765", b"-1e400")
        for case, (name, value) in BEYOND_DOUBLE.items()
    },
    "the string Infinity": insert(sale(text="Infinity", words=["-Infinity"])),
    **{case: insert(sale(**{name: As(value)})) for case, (name, value, _) in VALUES.items()},
    **{case: insert(sale(**{name: As(value)})) for case, (name, value) in UNFIT.items()},
    **{f"NULL as {name}": insert(sale(**{name: None})) for name in NAMES},
    "nothing": insert(sale()),
    "repeated tag": insert(sale(text=As({"S": "last"}))).replace(b'{"S":"last"', b'{"S":"first","S":"last"'),
    "repeated key in M": insert(sale(labels={"a": "last"})).replace(b'{"a":', b'{"a":{"N":"1"},"a":'),
    "repeated key in a record": insert(sale(place={"city": "last"})).replace(
        b'{"city":', b'{"city":5,"city":'
    ),
    "repeated tag in L": insert(sale(words=["last"])).replace(b'[{"S":', b'[{"S":"first","S":'),
    "repeated M": insert(sale(place={"city": "last"})).replace(b'{"M":', b'{"M":{},"M":'),
    "repeated L": insert(sale(words=["last"])).replace(b'{"L":', b'{"L":[],"L":'),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return archived(spark, CASES, with_fields(tmp_path_factory.mktemp("schemas"), "sale", FIELDS))


@pytest.mark.parametrize("case", VALUES)
def test_a_dynamodb_value_becomes_the_record_s_value(case: str, outcomes: Outcomes) -> None:
    name, _, due = VALUES[case]
    assert outcomes[case].message is None
    assert outcomes[case].record[name] == due
    assert type(outcomes[case].record[name]) is type(due)


@pytest.mark.parametrize("name", NAMES)
def test_null_is_absent(name: str, outcomes: Outcomes) -> None:
    assert outcomes[f"NULL as {name}"].message is None
    assert outcomes[f"NULL as {name}"].record[name] is None
    assert outcomes["nothing"].record[name] is None


@pytest.mark.parametrize("case", UNFIT)
def test_what_does_not_fit_is_an_archive_error_never_silently_null(case: str, outcomes: Outcomes) -> None:
    name, _ = UNFIT[case]
    assert outcomes[case].message == f"sale: {name} is not a DynamoDB {KINDS[name]} (BR-003)"


@pytest.mark.parametrize("size", ["beyond double", "far below zero"])
@pytest.mark.parametrize("case", BEYOND_DOUBLE)
def test_a_number_too_large_for_a_double_is_no_string(case: str, size: str, outcomes: Outcomes) -> None:
    name, _ = BEYOND_DOUBLE[case]
    assert outcomes[f"{case} {size}"].message == f"sale: {name} is not a DynamoDB {KINDS[name]} (BR-003)"


def test_a_string_may_be_infinity(outcomes: Outcomes) -> None:
    record = outcomes["the string Infinity"].record
    assert (record["text"], record["words"]) == ("Infinity", ["-Infinity"])


@pytest.mark.parametrize(
    ("case", "name", "due"),
    [
        ("repeated tag", "text", "last"),
        ("repeated key in M", "labels", {"a": "last"}),
        ("repeated key in a record", "place", {"city": "last", "seats": None}),
        ("repeated tag in L", "words", ["last"]),
        ("repeated M", "place", {"city": "last", "seats": None}),
        ("repeated L", "words", ["last"]),
    ],
)
def test_of_repeated_keys_the_last_counts(case: str, name: str, due: Any, outcomes: Outcomes) -> None:
    assert outcomes[case].message is None
    assert outcomes[case].record[name] == due
