"""docs/schemas.md says what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest

from schemas.attributes import attribute
from schemas.needs import MADE, RESERVED
from tests.schemas.copies import decimal, record_type

TEXT = (Path(__file__).parents[2] / "docs" / "schemas.md").read_text(encoding="utf-8")
TYPES: dict[str, list[Any]] = {
    "`string`": ["string"],
    "`int`, `long`": ["int", "long"],
    '`bytes` with `"logicalType": "decimal"`': [decimal(9, 2)],
    "`float`, `double`": ["float", "double"],
    "`boolean`": ["boolean"],
    "`bytes`": ["bytes"],
    "`record`": [record_type("R", {"name": "x", "type": "string"})],
    "`map`": [{"type": "map", "values": "string"}],
    "`array` of `string`": [{"type": "array", "items": "string"}],
    "`array` of a number": [{"type": "array", "items": items} for items in ("int", "long", "float", "double", decimal(9, 2))],
    "`array` of `bytes`": [{"type": "array", "items": "bytes"}],
    "`array` of anything else": [
        {"type": "array", "items": items} for items in ("boolean", {"type": "map", "values": "string"}, {"type": "array", "items": "long"})
    ],
}  # fmt: skip


def rows(after: str) -> dict[str, str]:
    """First and second cell of the rows of the table under a heading."""
    table = TEXT.split(f"## {after}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    return {first.strip(): second.strip() for first, second in cells}


def test_the_table_has_a_row_for_every_avro_type() -> None:
    assert list(rows("From DynamoDB to Avro")) == list(TYPES)


@pytest.mark.parametrize("row", TYPES)
def test_each_row_names_the_dynamodb_types_that_are_read(row: str) -> None:
    tags = re.findall(r"`(\w+)`", rows("From DynamoDB to Avro")[row])
    for avro_type in TYPES[row]:
        assert list(attribute({"name": "x", "type": avro_type}, "sale").tags) == tags


def test_the_reserved_names_are_all_listed() -> None:
    listed = TEXT.split("in whatever case:")[1].split("Inside records")[0]
    assert {name.lower() for name in re.findall(r"`(\w+)`", listed)} == RESERVED


def test_the_properties_are_the_three_that_there_are() -> None:
    assert list(rows("Properties of a field")) == [
        '`"pii": true`',
        '`"requiredInImage": true`',
        '`"origin": "pipeline"`',
    ]
    made = re.findall(r"`(\w+)`", rows("Properties of a field")['`"origin": "pipeline"`'])
    assert sorted(made) == sorted(MADE)
