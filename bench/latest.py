"""What a pass of ``jobs.latest`` costs: the first one, one of changes everywhere, one of changes of a few events."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import to_avro

import schemas
from bench.processes import cpu_seconds
from jobs.batch import Batch
from jobs.demo.table import table
from jobs.latest.update import Latest, open_tables
from jobs.settings import LatestSettings
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.records import delivery_record
from jobs.sinks.storage import Storage, open_storage
from jobs.sinks.write import write

INSERTED, UPDATED, DELETED = 0.75, 0.20, 0.05
PER_EVENT = 400
FEW = 1000
_BEGIN = 1_772_366_400
_DAY = "2026-03-01"


@dataclass(frozen=True)
class Measured:
    """A pass: how many changes it followed, how many rows the table has after it, and what it took."""

    what: str
    changes: int
    rows: int
    seconds: float
    cpu_seconds: float | None
    rewritten_bytes: int
    table_bytes: int


def measure_latest(
    spark: SparkSession, scratch: Path, sizes: Iterable[int], say: Callable[[str], None]
) -> list[Measured]:
    """Passes over archives of so many demands each, a fifth of them updates and a twentieth deletions."""
    measured = []
    for size in sizes:
        for one in _Archive(spark, scratch / str(size), size).passes():
            say(f"{one.what}: {one.seconds:.1f} s")
            measured.append(one)
    return measured


def latest_lines(measured: list[Measured]) -> Iterator[str]:
    """The figures as a person reads them."""
    head = ["pass", "changes", "rows", "seconds", "CPU s", "changes/s", "MB rewritten", "MB of table"]
    yield from table(head, [_cells(one) for one in measured])
    yield ""
    yield (
        f"changes of few events: {FEW:,} changes of {_few(10**9)} events, {PER_EVENT} demands each; of many: as many changes of any "
        "event; the table is 64 buckets"
    )


def latest_report(measured: list[Measured]) -> dict[str, Any]:
    """The figures as they are written as JSON."""
    return {"latest": [asdict(one) for one in measured]}


def _cells(one: Measured) -> list[str]:
    cpu = "?" if one.cpu_seconds is None else f"{one.cpu_seconds:.1f}"
    rewritten, whole = (f"{size / 1e6:,.1f}" for size in (one.rewritten_bytes, one.table_bytes))
    speed = f"{one.changes / one.seconds:,.0f}"
    return [one.what, f"{one.changes:,}", f"{one.rows:,}", f"{one.seconds:.1f}", cpu, speed, rewritten, whole]


class _Archive:
    """An archive of demands, and the table that follows it."""

    def __init__(self, spark: SparkSession, directory: Path, size: int) -> None:
        self._spark, self._size = spark, size
        self._archive: Storage = open_storage(str(directory / "archive"))
        self._schemas = {"demand": schemas.load()["demand"]}
        place = open_storage(str(directory / "latest"))
        self._tables: Latest = open_tables(spark, self._archive, place, self._schemas, LatestSettings())
        self._batches = 0

    def passes(self) -> Iterator[Measured]:
        rows, changes = round(self._size * INSERTED), round(self._size * (UPDATED + DELETED))
        deleted = F.col("id") % 5 == 0
        yield self._pass("first pass", rows, self._spark.range(rows), F.col("id"), F.lit(False))
        everywhere = F.pmod(F.xxhash64("id"), F.lit(rows))
        yield self._pass("changes everywhere", rows, self._spark.range(changes), everywhere, deleted)
        few = F.pmod(F.xxhash64("id"), F.lit(min(rows, _few(rows) * PER_EVENT)))
        for what, number in (("few events", few), ("few events", few), ("many events", everywhere)):
            yield self._pass(f"changes of {what}", rows, self._spark.range(FEW), number, F.lit(False))
        yield self._measured("rebuild", self._size + 3 * FEW, rows, anew=True)

    def _pass(self, what: str, rows: int, changes: DataFrame, number: Column, deleted: Column) -> Measured:
        self._deliver(changes.withColumn("number", number).withColumn("deleted", deleted))
        return self._measured(what, changes.count(), rows, anew=False)

    def _measured(self, what: str, changes: int, rows: int, *, anew: bool) -> Measured:
        cpu, start = cpu_seconds(), time.monotonic()
        self._tables.update(anew=anew)
        seconds, now = time.monotonic() - start, cpu_seconds()
        delta = self._tables.tables[0].delta
        last, detail = delta.table.history(1).first(), delta.table.detail().first()
        assert last is not None, "the pass made a commit"
        assert detail is not None, "a table has details"
        rewritten = int(last.operationMetrics.get("numTargetBytesRemoved", 0))
        took = None if cpu is None or now is None else now - cpu
        return Measured(what, changes, rows, seconds, took, rewritten, detail.sizeInBytes)

    def _deliver(self, changes: DataFrame) -> None:
        """Archive the changes as one batch, with the writer of the job."""
        batch = Batch("stream", "bench", self._batches, f"{_DAY}T12:00:{self._batches:02d}.000Z")
        outcomes = changes.withColumn("second", F.lit(self._batches)).select(
            F.lit("demand").alias("type"),
            F.lit(_DAY).alias("partitionDate"),
            F.lit(None).cast("string").alias("message"),
            to_avro(_demand(), self._schemas["demand"].avro_text).alias("body"),
            F.lit(False).alias("withoutSystem"),
            F.lit("shardId-000000000000").alias("shardId"),
            F.col("id").cast("string").alias("sequenceNumber"),
        )
        written = write(outcomes, batch, self._archive, self._schemas, partitions=1)
        read = sum(one.count for one in written)
        record = delivery_record(
            batch, version="bench", source={"stream": "bench"}, read=read, written=written
        )
        write_delivery_record(self._archive, batch, record)
        self._batches += 1


def _few(rows: int) -> int:
    """How many events a pass of few changes is about."""
    return min(3, max(1, rows // PER_EVENT))


def _demand() -> Column:
    """The demand with that ``number``, as the change ``id`` left it."""
    event = F.concat(
        F.lit("E"), F.substring(F.md5(F.floor(F.col("number") / PER_EVENT).cast("string")), 1, 10)
    )
    fan = F.concat(F.lit("fan-"), F.substring(F.md5(F.col("number").cast("string")), 1, 12))
    time = F.date_format(
        F.timestamp_seconds(F.lit(_BEGIN) + F.col("second")), "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"
    )
    deleted = F.col("deleted")
    scrubbed = F.lit("[redacted]")
    phone = F.concat(F.lit("+1555"), F.lpad((F.col("number") % 10**7).cast("string"), 7, "0"))
    asked = F.lit(f"{_DAY}T00:00:00Z")
    return F.struct(
        F.lit("demand").alias("type"),
        fan.alias("fanId"),
        event.alias("eventId"),
        F.lit("S1").alias("saleId"),
        asked.alias("requestedDateTime"),
        F.when(deleted, scrubbed).otherwise(phone).alias("phoneNumber"),
        F.when(deleted, scrubbed).otherwise(F.concat(fan, F.lit("@example.com"))).alias("email"),
        F.struct(asked.alias("requested"), F.when(deleted, time).alias("deleted")).alias("date"),
        F.struct(F.concat_ws("_", event, F.lit("S1"), fan).alias("id"), asked.alias("timestamp")).alias(
            "reference"
        ),
        F.when(deleted, F.lit(True)).alias("isDeleted"),
        F.struct(
            F.md5(F.concat_ws("-", "second", "id")).alias("id"),
            F.when(deleted, "REMOVE").otherwise("MODIFY").alias("name"),
            time.alias("time"),
            F.col("id").cast("string").alias("sequenceNumber"),
        ).alias("change"),
    )
