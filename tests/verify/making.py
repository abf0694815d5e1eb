"""Making an archive as the job does, batch by batch, and damaging it."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import boto3
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from jobs.archive_batch import Archive
from jobs.batch import Batch
from jobs.catalog import NoCatalog
from jobs.containers import records_of
from jobs.demo.generator import events
from jobs.settings import ArchiveSettings
from jobs.sinks.names import delivery_record_key
from jobs.sinks.storage import Storage
from transforms import SystemUserIdPattern, outcomes

QUERY, STREAM, SHARDS = "a-query", "fans", 2
BATCHES = [Batch("stream", QUERY, number, f"2026-03-0{number + 1}T12:00:00.000Z") for number in range(4)]
READ = 120
Row = dict[str, Any]


def make_archive(
    spark: SparkSession,
    storage: Storage,
    format: Literal["avro", "parquet"] = "avro",
    batches: Sequence[Batch] = BATCHES,
) -> None:
    """Archives made-up change events in these batches, from two shards."""
    settings = ArchiveSettings(uri=storage.uri, checkpoint=f"{storage.uri}-checkpoint", format=format)
    archive = Archive(storage, NoCatalog(), schemas.load(), settings, partitions=2)
    changes = [change.data for change in events(5, READ * len(BATCHES), bad_share=0.1)]
    for batch in batches:
        first = batch.batch_id * READ
        rows = [
            (bytearray(data), shard(number), str(100 + number))
            for number, data in enumerate(changes[first : first + READ], first)
        ]
        frame = spark.createDataFrame(rows, "data binary, shardId string, sequenceNumber string")
        made = outcomes(frame, archive.record_schemas, F.lit(batch.timestamp), SystemUserIdPattern.of())
        archive.archive(made, batch, read_by(batch), READ, lambda: None)


def shard(number: int) -> str:
    return f"shardId-{number % SHARDS:012d}"


def read_by(batch: Batch) -> dict[str, Any]:
    """What a batch read, as delivery records say it."""
    moved = {}
    for number in range(SHARDS):
        begin, end = (100 + READ * (batch.batch_id + plus) - SHARDS + number for plus in (0, 1))
        after = str(begin) if batch.batch_id else "TRIM_HORIZON"
        moved[shard(number)] = {"after": after, "to": str(end)}
    return {"stream": STREAM, "shards": moved}


def record_of(storage: Storage, batch: Batch) -> Row:
    record: Row = json.loads(storage.get(delivery_record_key(batch)))
    return record


def containers(storage: Storage, batch: Batch) -> Iterator[tuple[str, list[Any]]]:
    """Key and records of every container of a batch."""
    for one in record_of(storage, batch)["deliveries"]:
        key = own(one)
        yield key, list(records_of(key, storage.get(key)) or ())


def own(one: Row) -> str:
    """The key below the root of an object that a delivery record names."""
    key: str = one["storage"]["key"]
    return key[key.index("data/" if "type" in one else "errors/") :]


def overwrite(storage: Storage, key: str, body: bytes) -> None:
    """Puts other bytes in an object's place, as no part of the job would."""
    storage.delete(key)
    storage.put(key, body)


def put_foreign(storage: Storage, key: str, body: bytes) -> None:
    """Puts an object there as another program would, whatever its key."""
    if storage.kind == "file":
        path = Path(storage.uri.removeprefix("file://"), key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return
    place = storage.location("data")
    client: Any = boto3.client("s3")
    client.put_object(Bucket=place["bucket"], Key=place["key"].removesuffix("data") + key, Body=body)


def change_record(storage: Storage, batch: Batch, change: Callable[[Row], object]) -> str:
    """Rewrites a batch's delivery record; returns its key."""
    key, record = delivery_record_key(batch), record_of(storage, batch)
    change(record)
    overwrite(storage, key, json.dumps(record).encode())
    return key


def container(key: str, rows: list[Row]) -> bytes:
    """A container of these records for that key."""
    body = io.BytesIO()
    if key.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), body)
        return body.getvalue()
    fastavro.writer(body, fastavro.parse_schema(schemas.avro(key.split("/")[1])), rows)
    return body.getvalue()


def forge(storage: Storage, batch: Batch, key: str, body: bytes) -> str:
    """Overwrites an object and lets its delivery record say so: what is in it is all that can be wrong."""

    def correct(record: Row) -> None:
        for one in [*record["deliveries"], *record["errors"]]:
            if own(one) == key:
                one.update(bytes=len(body), sha256=hashlib.sha256(body).hexdigest())

    overwrite(storage, key, body)
    change_record(storage, batch, correct)
    return key
