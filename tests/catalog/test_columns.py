"""Columns follow from the Avro schema alone."""

from typing import Any

import pytest

import schemas
from schemas import SchemaError
from schemas.columns import hive_columns


def columns(*fields: dict[str, Any]) -> list[tuple[str, str]]:
    return hive_columns({"type": "record", "name": "R", "namespace": "n", "fields": list(fields)})


def column(avro_type: Any) -> str:
    return columns({"name": "x", "type": avro_type})[0][1]


@pytest.mark.parametrize(
    ("avro_type", "hive"),
    [
        ("string", "string"),
        ("boolean", "boolean"),
        ("int", "int"),
        ("long", "bigint"),
        ("float", "float"),
        ("double", "double"),
        ("bytes", "binary"),
        (["null", "long"], "bigint"),
        (["string", "null"], "string"),
        (["string"], "string"),
        ({"type": "string"}, "string"),
        ({"type": {"type": "string"}}, "string"),
        ({"type": "string", "logicalType": "uuid"}, "string"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 10}, "decimal(38,10)"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9}, "decimal(9,0)"),
        ({"type": "fixed", "name": "F", "size": 8, "logicalType": "decimal", "precision": 9}, "decimal(9,0)"),
        ({"type": "fixed", "name": "F", "size": 8}, "binary"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "string"),
        ({"type": "int", "logicalType": "date"}, "date"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "timestamp"),
        ({"type": "long", "logicalType": "timestamp-micros"}, "bigint"),
        ({"type": "array", "items": "string"}, "array<string>"),
        ({"type": "array", "items": ["null", {"type": "array", "items": "long"}]}, "array<array<bigint>>"),
        ({"type": "map", "values": ["null", "double"]}, "map<string,double>"),
        (
            {"type": "record", "name": "A", "fields": [
                {"name": "fanId", "type": "string"},
                {"name": "at", "type": ["null", {"type": "record", "name": "B", "fields": [{"name": "B1", "type": "long"}]}]},
            ]},
            "struct<fanid:string,at:struct<b1:bigint>>",
        ),
    ],
)  # fmt: skip
def test_every_avro_type_has_a_column_type(avro_type: Any, hive: str) -> None:
    assert column(avro_type) == hive


def test_names_are_in_lower_case_and_in_the_order_of_the_schema() -> None:
    fields = [{"name": name, "type": "string"} for name in ("saleId", "artistId", "type")]
    assert columns(*fields) == [("saleid", "string"), ("artistid", "string"), ("type", "string")]


def test_a_named_type_may_be_used_again() -> None:
    day = {"type": "record", "name": "Day", "fields": [{"name": "localDate", "type": "string"}]}
    kind = {"type": "enum", "name": "Kind", "symbols": ["A"]}
    found = columns(
        {"name": "start", "type": day},
        {"name": "end", "type": ["null", "Day"]},
        {"name": "qualified", "type": "n.Day"},
        {"name": "kind", "type": kind},
        {"name": "other", "type": "Kind"},
    )
    assert dict(found) == {
        "start": "struct<localdate:string>",
        "end": "struct<localdate:string>",
        "qualified": "struct<localdate:string>",
        "kind": "string",
        "other": "string",
    }


@pytest.mark.parametrize(
    ("avro_type", "message"),
    [
        (["string", "long"], "R.x: a column holds one type"),
        (["null"], "R.x: a column holds one type"),
        ("Unknown", "R.x: Unknown is no Avro type"),
        ({"type": "record", "name": "Tree", "fields": [{"name": "left", "type": ["null", "Tree"]}]}, "R.x.left: Tree"),
        ({"type": "record", "name": "A", "fields": [{"name": "a", "type": "long"}, {"name": "A", "type": "long"}]},
         "R.x: two fields differ by case alone"),
    ],
)  # fmt: skip
def test_what_no_table_can_hold_is_refused(avro_type: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        column(avro_type)


def test_the_partition_key_is_none_of_the_columns() -> None:
    for type in schemas.RECORD_TYPES:
        found = hive_columns(schemas.avro(type))
        assert "partition_date" not in dict(found)
        assert [name for name, _ in found] == [
            field["name"].lower() for field in schemas.avro(type)["fields"]
        ]
