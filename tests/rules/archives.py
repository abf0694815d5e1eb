"""Batches archived for real, in a local directory, and what is found there."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fastavro
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from jobs.archive_batch import Archive
from jobs.batch import Batch
from jobs.catalog.glue import NoCatalog
from jobs.settings import ArchiveSettings
from jobs.sinks.storage import Storage, open_storage
from schemas import RecordSchema
from tests.rules.change_events import demand, event, insert, modify, notification, remove, sale
from transforms.add_system import SystemUserIdPattern
from transforms.outcomes import outcomes

BATCH = Batch("stream", "a-query", 7, "2026-03-05T06:07:08.009Z")
SHARDS = ("shardId-000000000000", "shardId-000000000001")
NO_JSON, OTHER_NO_JSON, NO_TYPE = (
    b"no json",
    b'{"eventName":"INSERT"',
    insert({"note": {"S": "ü\u2028\U0001f3ab"}}),
)
PAYLOADS = [
    insert(demand(fanId="f1", phoneNumber="+15550100")),
    NO_JSON,
    modify(demand(fanId="f1", phoneNumber="+15550101")),
    insert(sale(id="s1")),
    insert(demand(fanId="f2", date={"requested": "2026-03-02T01:00:00+05:30"})),
    NO_TYPE,
    insert(notification()),
    insert(demand(fanId="f3", date={"requested": "2026-03-02"})),
    OTHER_NO_JSON,
    insert(event()),
    remove(demand(fanId="f1", phoneNumber="+15550101")),
    insert(sale(id="s2")),
]
"""A batch of demands, notifications, events and sales; three of its twelve events can't be archived."""


def archive(
    spark: SparkSession,
    directory: Path,
    payloads: Sequence[bytes] = PAYLOADS,
    batch: Batch = BATCH,
    *,
    partitions: int = 2,
    backwards: bool = False,
    read: int | None = None,
    record_schemas: Mapping[str, RecordSchema] | None = None,
) -> Storage:
    """Archive the payloads as one batch, put on two shards in turn.

    `backwards` is the order of their rows; `read` is how many the source says there are, if not the truth.
    """
    rows = [(bytearray(data), SHARDS[number % 2], str(100 + number)) for number, data in enumerate(payloads)]
    frame = spark.createDataFrame(
        rows[::-1] if backwards else rows, "data binary, shardId string, sequenceNumber string"
    )
    known = record_schemas or schemas.load()
    made = outcomes(frame, known, F.lit(batch.timestamp), SystemUserIdPattern.of())
    storage = open_storage(str(directory))
    settings = ArchiveSettings(uri=str(directory), checkpoint=str(directory))
    job = Archive(storage, NoCatalog(), known, settings, partitions)
    job.archive(
        made, batch, {"stream": "changes"}, read=len(payloads) if read is None else read, lag=lambda: None
    )
    return storage


def contents(storage: Storage, prefix: str = "") -> dict[str, bytes]:
    """Every object under a prefix."""
    return {key: storage.get(key) for key in storage.list(prefix)}


def records(body: bytes) -> list[dict[str, Any]]:
    """A container's records."""
    return [dict(each) for each in fastavro.reader(io.BytesIO(body)) if isinstance(each, dict)]


def archived_records(storage: Storage, prefix: str = "data/") -> list[dict[str, Any]]:
    """All records in the containers under a prefix, in the order of the containers' keys."""
    return [record for body in contents(storage, prefix).values() for record in records(body)]


def errors(storage: Storage) -> dict[str, Any]:
    """Every archive error by its message."""
    found = [json.loads(body) for body in contents(storage, "errors/").values()]
    return {each["error"]["message"]: each for each in found}


def delivery_record(storage: Storage) -> dict[str, Any]:
    """The only delivery record."""
    (body,) = contents(storage, "deliveries/").values()
    record = json.loads(body)
    assert isinstance(record, dict)
    return record
