"""Archives made by hand: changes of made-up records, in containers that delivery records name."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.batch import Batch
from jobs.containers import records_of
from jobs.sinks.blocks import Group
from jobs.sinks.deliveries import iter_delivery_records, write_delivery_record
from jobs.sinks.names import container_key, own_key
from jobs.sinks.records import delivery_record
from jobs.sinks.rolling import FinishedObject
from jobs.sinks.storage import Storage
from jobs.sinks.store import store
from schemas import avro

Row = dict[str, Any]
DAY = "2026-03-01"


def demand(fan: int, second: int | None, sequence: int | None = None, *, event: int = 1, **more: Any) -> Row:
    """A demand of that fan, as of that second of the day; with ``deleted=True`` scrubbed and marked."""
    deleted = more.pop("deleted", False)
    contact = {
        "phoneNumber": f"+1555{fan:07d}",
        "email": f"fan-{fan}-{second}@example.com",
    }
    return {
        "type": "demand",
        "fanId": f"fan-{fan}",
        "eventId": f"E{event}",
        "saleId": "S1",
        "requestedDateTime": f"{DAY}T00:00:00Z",
        **(dict.fromkeys(contact, "[redacted]") if deleted else contact),
        "date": {"requested": f"{DAY}T00:00:00Z", "deleted": at(second) if deleted else None},
        "reference": {"id": f"E{event}_S1_fan-{fan}", "timestamp": f"{DAY}T00:00:00Z"},
        "isDeleted": True if deleted else None,
        "change": _change(second, sequence, "REMOVE" if deleted else "MODIFY"),
        **more,
    }


def removal(fan: int, second: int, sequence: int | None = None) -> Row:
    """A demand's REMOVE that didn't say when it was: its batch's time, to the millisecond, has to do."""
    deleted = demand(fan, second, sequence, deleted=True)
    deleted["date"]["deleted"] = f"{str(at(second))[:-4]}Z"
    return {**deleted, "change": {**deleted["change"], "time": None}}


def sale(number: int, second: int, *, starts: str = "2027-01-01T00:00:00Z", deleted: bool = False) -> Row:
    """A sale; deleted before it starts its reference timestamp goes back."""
    return {
        "type": "sale",
        "id": f"S{number}",
        "eventId": "E1",
        "saleStartDateTime": starts,
        "date": {"deleted": at(second)} if deleted else None,
        "reference": {"id": f"E1_S{number}", "timestamp": at(second) if deleted else starts},
        "isDeleted": True if deleted else None,
        "change": _change(second, second, "REMOVE" if deleted else "INSERT"),
    }


def at(second: int | None) -> str | None:
    """An instant of the day as ``change.time`` holds it."""
    if second is None:
        return None
    return f"{DAY}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000000Z"


def _change(second: int | None, sequence: int | None, name: str) -> Row:
    number = None if sequence is None else str(sequence)
    return {"id": f"{second}-{sequence}", "name": name, "time": at(second), "sequenceNumber": number}


def deliver(
    storage: Storage,
    records: Iterable[Row],
    query: str = "a-query",
    batch: int = 0,
    timestamp: str = f"{DAY}T12:00:00.000Z",
    schemas: Mapping[str, Any] | None = None,
    format: str = "avro",
) -> None:
    """Archive records as one batch: a container per type, and the delivery record."""
    of = Batch("stream", query, batch, timestamp)
    by_type: dict[str, list[Row]] = {}
    for record in records:
        by_type.setdefault(record["type"], []).append(record)
    written = []
    for type, rows in by_type.items():
        body = CONTAINERS[format]((schemas or {}).get(type) or avro(type), rows)
        key = container_key(of, type, DAY, 0, format)
        finished = FinishedObject(Group(type, DAY, None), 0, key, len(rows), body)
        written.append(store(storage, of, finished))
    count = sum(map(len, by_type.values()))
    delivered = delivery_record(of, version="1", source={"stream": "fans"}, read=count, written=written)
    write_delivery_record(storage, of, delivered)


def _avro(schema: Any, rows: list[Row]) -> bytes:
    body = io.BytesIO()
    fastavro.writer(body, schema, rows, codec="zstandard")
    return body.getvalue()


def _parquet(schema: Any, rows: list[Row]) -> bytes:
    body = pa.BufferOutputStream()
    table = pa.Table.from_pylist(rows)
    pq.write_table(table.replace_schema_metadata({"avro.schema": json.dumps(schema)}), body)
    return bytes(body.getvalue().to_pybytes())


CONTAINERS: dict[str, Callable[[Any, list[Row]], bytes]] = {"avro": _avro, "parquet": _parquet}


def latest_of(storage: Storage) -> dict[str, dict[str, Row]]:
    """By type and reference, the newest record of each: once more, in plain Python."""
    found: dict[str, dict[str, Row]] = {}
    for delivery in iter_delivery_records(storage):
        for one in delivery.deliveries:
            key = own_key(one.storage)
            for record in records_of(key, storage.get(key)) or ():
                rows = found.setdefault(one.type, {})
                reference = record["reference"]["id"]
                if reference not in rows or _age(record) > _age(rows[reference]):
                    rows[reference] = record
    return found


def without_nulls(value: Any) -> Any:
    """The value without what is null in it: absent is the same."""
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(each) for name, each in value.items() if each is not None}


def _age(record: Row) -> tuple[Any, ...]:
    change = record["change"] or {}
    number = change.get("sequenceNumber")
    is_removal = change.get("name") == "REMOVE"
    return (
        change.get("time") or (is_removal and record["date"]["deleted"]) or "",
        is_removal and number is None,
        -1 if number is None else int(number),
        bool(record["isDeleted"]),
        record["reference"]["timestamp"],
        change.get("id") or "",
    )
