"""Hand-made outcomes, as Arrow batches and as what is read back from the archive."""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import fastavro
import pyarrow as pa

from jobs.sinks.storage import Storage
from schemas import RecordSchema, SchemaError

__all__ = [
    "SCHEMAS",
    "Outcome",
    "SchemaError",
    "arrow",
    "batches",
    "datum",
    "failure",
    "record",
    "records_in",
]

COLUMNS = ("type", "partitionDate", "message", "body", "withoutSystem")
_NESTED = {
    "type": "record",
    "name": "Thing",
    "namespace": "test",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "text", "type": ["null", "string"], "default": None},
        {
            "name": "date",
            "type": [
                "null",
                {"type": "record", "name": "D", "fields": [{"name": "at", "type": ["null", "string"]}]},
            ],
            "default": None,
        },
        {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
        {"name": "more", "type": {"type": "map", "values": "double"}, "default": {}},
    ],
}
_EMPTY = {"type": "record", "name": "Nothing", "namespace": "test", "fields": []}
SCHEMAS = {
    "demand": RecordSchema("demand", json.dumps(_NESTED), ()),
    "sale": RecordSchema("sale", json.dumps(_NESTED), ()),
    "event": RecordSchema("event", json.dumps(_EMPTY), ()),
}
TEXTS = {type: schema.avro_text for type, schema in SCHEMAS.items()}


class Outcome(NamedTuple):
    """A row of the sink's input in Arrow."""

    type: str | None
    partition_date: str | None
    message: str | None
    body: bytes | None
    without_system: bool | None = False


def thing(number: int, text: str | None = None) -> dict[str, Any]:
    """A record of the demand and sale schemas here."""
    date = {"at": f"2026-03-01T00:00:{number % 60:02d}Z" if number % 2 else None} if number % 3 else None
    tags = ["a", "ü"][: number % 3]
    return {"id": number, "text": text, "date": date, "tags": tags, "more": {"x": number / 4}}


def datum(value: dict[str, Any], type: str = "demand") -> bytes:
    """The bare Avro datum, made by fastavro."""
    target = io.BytesIO()
    fastavro.schemaless_writer(target, fastavro.parse_schema(SCHEMAS[type].avro), value)
    return target.getvalue()


def record(number: int, type: str = "demand", date: str = "2026-03-01", text: str | None = None) -> Outcome:
    """A record's row."""
    return Outcome(type, date, None, datum(thing(number, text), type))


def failure(event: str, message: str = "type is missing") -> Outcome:
    """An archive error's row."""
    return Outcome(None, None, message, f",{json.dumps(event, ensure_ascii=False)}".encode())


def arrow(rows: Sequence[Outcome], *, large: bool = False) -> pa.RecordBatch:
    """The rows as one Arrow batch."""
    columns: list[Any] = list(zip(*rows, strict=True)) or [[]] * len(COLUMNS)
    types = [pa.string(), pa.string(), pa.string(), pa.large_binary() if large else pa.binary(), pa.bool_()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=list(COLUMNS))


def batches(rows: Sequence[Outcome], size: int, *, large: bool = False) -> Iterator[pa.RecordBatch]:
    """The rows as batches of that many, every other one a slice of a larger array."""
    whole = arrow(rows, large=large)
    for number, start in enumerate(range(0, len(rows), size)):
        piece = whole.slice(start, size)
        yield piece if number % 2 else arrow(rows[start : start + size], large=large)


def records_in(body: bytes) -> list[Any]:
    """A container's records, read by fastavro."""
    return list(fastavro.reader(io.BytesIO(body)))


def contents(storage: Storage) -> dict[str, bytes]:
    """Every object of an archive."""
    return {key: storage.get(key) for key in storage.list()}
