"""Archive errors as an input: which error objects there are, what of them was redriven, their change events as rows."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession

from jobs.arrow import pa
from jobs.backfill.errors import BadInput
from jobs.backfill.reading import numbers
from jobs.backfill.steps import ROWS
from jobs.sinks.deliveries import iter_delivery_records
from jobs.sinks.names import own_key
from jobs.sinks.records import DeliveryRecord
from jobs.sinks.storage import Storage
from transforms.messages import Message

_SCHEMA: Any = pa.schema([("data", pa.binary()), ("shardId", pa.string()), ("sequenceNumber", pa.string())])
_EVENTS = 1000


class ErrorObject(NamedTuple):
    """An error object that a delivery record names; ``timestamp`` is its batch's, ``events`` its change events, counted."""

    key: str
    message: str
    timestamp: str
    events: int
    bytes: int
    sha256: str


Redriven = Mapping[str, frozenset[int]]
"""By error object, which of its change events (from 0) count as archived by now."""


def archived_errors(storage: Storage, since: str | None) -> tuple[list[ErrorObject], Redriven]:
    """All error objects of batches of ``since`` or later, in the order of their keys, and what was redriven of them."""
    errors: list[ErrorObject] = []
    redriven: dict[str, frozenset[int]] = {}
    for record in iter_delivery_records(storage, since):
        errors += _errors_of(record)
        _add(redriven, record)
    return sorted(errors), redriven


def redriven_by_others(storage: Storage, since: str, run_id: str) -> Redriven:
    """What runs but that one redrove of error objects whose batches are of ``since`` or later."""
    redriven: dict[str, frozenset[int]] = {}
    for record in iter_delivery_records(storage, since):
        if record.query_id != run_id:
            _add(redriven, record)
    return redriven


def _errors_of(record: DeliveryRecord) -> Iterator[ErrorObject]:
    for one in record.errors:
        key = own_key(one.storage)
        yield ErrorObject(key, one.message, record.timestamp, one.count, one.bytes, one.sha256)


def _add(redriven: dict[str, frozenset[int]], record: DeliveryRecord) -> None:
    if record.kind == "redrive":
        for key, indices in record.source["errors"].items():
            redriven[key] = redriven.get(key, frozenset()) | frozenset(indices)


class Wanted(NamedTuple):
    """An error object and which of its change events to read."""

    key: str
    message: str
    sha256: str
    indices: Sequence[int]


@dataclass(frozen=True)
class EventReader:
    """What ``DataFrame.mapInArrow`` is given: numbers of error objects in, their change events out."""

    storage: Storage
    objects: Sequence[Wanted]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Column in: id bigint, an object's number. Out: ``ROWS``, shardId being what ``place`` makes of key and index."""
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from self._rows(self.objects[number])

    def _rows(self, wanted: Wanted) -> Iterator[pa.RecordBatch]:
        events = read_events(self.storage, wanted)
        indices = iter(wanted.indices)
        while some := list(islice(indices, _EVENTS)):
            data = pa.array([events[index] for index in some], pa.binary())
            places = pa.array([place(wanted.key, index) for index in some], pa.string())
            yield pa.RecordBatch.from_arrays([data, places, pa.nulls(len(some), pa.string())], schema=_SCHEMA)


def read_events(storage: Storage, wanted: Wanted) -> list[bytes]:
    """The payloads of an error object's change events, as they came from the stream. Raises ``BadInput``."""
    body = storage.get(wanted.key)
    if hashlib.sha256(body).hexdigest() != wanted.sha256:
        raise BadInput(
            f"{wanted.key} has other bytes than its delivery record says: somebody changed it; restore it, or leave it out by "
            "--key or --message"
        )
    events = json.loads(body)["events"]
    if wanted.message == Message.NOT_UTF8:
        return [base64.b64decode(event) for event in events]
    return [event.encode() for event in events]


def event_rows(spark: SparkSession, storage: Storage, objects: Sequence[Wanted]) -> DataFrame:
    """The wanted change events as rows (``ROWS``), spread over all cores."""
    cores = spark.sparkContext.defaultParallelism
    read = numbers(spark, len(objects)).mapInArrow(EventReader(storage, objects), ROWS)
    return read if len(objects) >= cores else read.repartition(cores, "shardId")


def place(key: str, index: int) -> str:
    """Where a change event is, in an order that is that of the error object; it stands in for the shard.

    >>> place("errors/a.json", 7), place_of(place("errors/a.json", 7))
    ('errors/a.json#000000007', ('errors/a.json', 7))
    """
    return f"{key}#{index:09d}"


def place_of(text: str) -> tuple[str, int]:
    """Key and index of a ``place``."""
    key, _, index = text.rpartition("#")
    return key, int(index)
