"""The whole audit, spread over Spark's tasks: the driver never holds the list of objects, nor any object."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from pyspark import RDD, SparkContext, StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.instants import iso
from jobs.sinks.deliveries import iter_delivery_records
from jobs.sinks.names import PARTITION
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage
from jobs.verify.findings import FINDING_DDL
from jobs.verify.listing import Piece, batch_time, pieces
from jobs.verify.objects import CHECKED_DDL, ObjectCheck
from jobs.verify.positions import check_positions
from jobs.verify.records import RECORD_DDL, named_objects, read_records

TASKS_PER_CORE = 2
UNDER_WAY = timedelta(minutes=10)
SETTLE_SECONDS = 30.0


@dataclass(frozen=True)
class Audit:
    """An audit of the archive in ``storage``, of all of it or of batches from the day ``since`` on.

    Its frames are evaluated once and kept on Spark's disks. Delivery records are read before anything else is listed, so
    whatever they name was there by then.
    """

    spark: SparkSession
    storage: Storage
    pii: Collection[str]
    since: str | None = None
    settle_seconds: float = SETTLE_SECONDS

    @cached_property
    def findings(self) -> DataFrame:
        """Everything that was found (``FINDING_DDL``), but for the catalog's."""
        in_records = self._records.select(F.inline("problems"))
        found = in_records.union(self._checked.select(F.inline("findings")))
        found = found.union(self._positions()).union(self._missing_batches())
        return self._without_settled(found.persist(StorageLevel.DISK_ONLY))

    @cached_property
    def totals(self) -> dict[str, int]:
        """What was looked at: batches and their change events as delivery records count them, objects and bytes."""
        counts = (F.sum(name).alias(name) for name in ("read", "archived", "failed"))
        batches = self._records.agg(F.count("batch_id").alias("batches"), *counts)
        objects = self._checked.agg(F.count("*").alias("objects"), F.sum("bytes").alias("bytes"))
        row = batches.crossJoin(objects).first()
        assert row is not None, "an aggregate has a row"
        return {name: value or 0 for name, value in row.asDict().items()}

    def named_partitions(self) -> set[Partition]:
        """The partitions that delivery records name."""
        rows = self._named.where("type is not null").select("type", "partition_date").distinct()
        return {(row.type, row.partition_date) for row in rows.collect()}

    def stored_partitions(self) -> set[Partition]:
        """The partitions that hold an object."""
        parts = [F.regexp_extract("key", PARTITION, group) for group in (1, 2)]
        rows = self._checked.where("bytes > 0 and key like 'data/%'").select(*parts).distinct()
        return {(type, date) for type, date in rows.collect()}

    @cached_property
    def _records(self) -> DataFrame:
        after = f"deliveries/{self.since}/" if self.since else ""
        read = self._keys("deliveries/", after).mapPartitions(partial(read_records, self.storage))
        records = self._frame(read, RECORD_DDL).persist(StorageLevel.DISK_ONLY)
        records.count()
        return records

    @property
    def _named(self) -> DataFrame:
        return self._records.select(F.inline("objects"))

    @cached_property
    def _checked(self) -> DataFrame:
        """Every object that is there or is named, looked at (``CHECKED_DDL``)."""
        named, present = self._named, self._listed("data/").union(self._listed("errors/"))
        objects = named.join(present, present.present == named.key, "full_outer")
        rows = objects.repartition(self._tasks).rdd.mapPartitions(ObjectCheck(self.storage, self.pii))
        return self._frame(rows, CHECKED_DDL).persist(StorageLevel.DISK_ONLY)

    def _listed(self, below: str) -> DataFrame:
        """The keys below a folder, but for such as belong to batches before ``since``."""
        since = self.since or ""
        return self._frame(
            self._keys(below).filter(lambda key: (batch_time(key) or since) >= since).map(lambda key: (key,)),
            "present string",
        )

    def _keys(self, below: str, after: str = "") -> "RDD[str]":
        storage, of = self.storage, list(pieces(self.storage, below, after))
        tasks = max(1, min(len(of), self._tasks))
        return self._context.parallelize(of, tasks).flatMap(partial(_keys_of, storage))

    def _positions(self) -> DataFrame:
        ranges = self._records.select(F.inline("ranges"))
        begins = ranges.groupBy("query_id").agg(F.min("timestamp").alias("begun"))
        shard = ("stream", "shard")
        in_order = (
            ranges.join(begins, "query_id")
            .repartition(*shard)
            .sortWithinPartitions(*shard, F.col("kind") == "stream", "begun", "query_id", "batch_id")
        )
        return self._frame(in_order.rdd.mapPartitions(check_positions), FINDING_DDL)

    def _missing_batches(self) -> DataFrame:
        """Spark numbers the batches of a query from 0, without a gap."""
        first = F.lit(0) if self.since is None else F.min("batch_id")
        per_query = (
            self._records.where("kind = 'stream'")
            .groupBy("query_id")
            .agg(
                F.max("batch_id").alias("last"),
                (F.max("batch_id") - first + 1 - F.count_distinct("batch_id")).alias("number"),
                F.min("key").alias("key"),
            )
        )
        detail = F.format_string(
            "%d of the batches up to %d of query %s have no delivery record", "number", "last", "query_id"
        )
        return per_query.where("number > 0").select(F.lit("gap").alias("kind"), "key", "number", detail)

    def _without_settled(self, found: DataFrame) -> DataFrame:
        """Findings without the objects of a batch that was under way and gets its delivery record by and by."""
        young = iso(datetime.now(UTC) - UNDER_WAY)
        unnamed = found.where("kind = 'unnamed' and key not like 'deliveries/%'").select("key")
        waiting = {row.key for row in unnamed.toLocalIterator() if (batch_time(row.key) or "") > young}
        newest = self._records.agg(F.max("timestamp")).first() if waiting else None
        waiting = {key for key in waiting if newest and (batch_time(key) or "") > (newest[0] or "")}
        if not waiting:
            return found
        named = self._named_by_and_by(waiting, young)
        return found.where(~((F.col("kind") == "unnamed") & F.col("key").isin(sorted(named))))

    def _named_by_and_by(self, waiting: set[str], since: str) -> set[str]:
        end, named = time.monotonic() + self.settle_seconds, set[str]()
        while True:
            for record in iter_delivery_records(self.storage, since):
                named |= waiting & {one.key for one in named_objects("", record)}
            if named == waiting or time.monotonic() >= end:
                return named
            time.sleep(1)

    def _frame(self, rows: "RDD[Any]", ddl: str) -> DataFrame:
        return self.spark.createDataFrame(rows, ddl, verifySchema=False)

    @property
    def _context(self) -> SparkContext:
        return self.spark.sparkContext

    @property
    def _tasks(self) -> int:
        return TASKS_PER_CORE * int(self._context.defaultParallelism)


def _keys_of(storage: Storage, piece: Piece) -> Iterator[str]:
    return storage.list(*piece)
