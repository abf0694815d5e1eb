"""The whole audit, spread over Spark's tasks: the driver never holds the list of objects, nor any object."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from typing import Any

from pyspark import RDD, SparkContext, StorageLevel
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from jobs.sinks.names import PARTITION, delivery_record_key
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage
from jobs.verify.due import NOTHING, StreamBatches, last_steps
from jobs.verify.findings import FINDING_DDL
from jobs.verify.holes import SEEN_DDL, Hole, is_filled, see
from jobs.verify.listing import batch_time, pieces
from jobs.verify.objects import CHECKED_DDL, ObjectCheck
from jobs.verify.positions import check_positions
from jobs.verify.records import RECORD_DDL, read_records
from jobs.verify.under_way import UnderWay

TASKS_PER_CORE = 2
SETTLE_SECONDS = 30.0


@dataclass(frozen=True)
class Audit:
    """An audit of the archive in ``storage``, of all of it or of batches from the day ``since`` on.

    ``stream`` is how far the stream's job was before. The frames are evaluated once and kept on Spark's disks. Delivery records
    are read before anything else is listed, so whatever they name was there by then.
    """

    spark: SparkSession
    storage: Storage
    pii: Collection[str]
    since: str | None = None
    stream: StreamBatches = NOTHING
    settle_seconds: float = SETTLE_SECONDS

    @cached_property
    def findings(self) -> DataFrame:
        """Everything that was found (``FINDING_DDL``), but for the catalog's."""
        in_records = self._records.select(F.inline("problems"))
        found = in_records.union(self._checked.select(F.inline("findings")))
        found = found.union(self._positions()).union(self._missing_batches()).persist(StorageLevel.DISK_ONLY)
        # All tasks at once, and all objects listed before it is asked what is under way.
        found.count()
        under_way, _ = self._begun
        return under_way.sorted_out(found, self.settle_seconds)

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
    def _begun(self) -> tuple[UnderWay, DataFrame]:
        """What is under way before any delivery record is read, and the records."""
        under_way = UnderWay.at_the_beginning(self.storage, self.stream.begun)
        after = f"deliveries/{self.since}/" if self.since else ""
        read = self._keys("deliveries/", after).mapPartitions(partial(read_records, self.storage))
        records = self._frame(read, RECORD_DDL).persist(StorageLevel.DISK_ONLY)
        records.count()
        return under_way, records

    @property
    def _records(self) -> DataFrame:
        return self._begun[1]

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
        return self._context.parallelize(of, tasks).flatMap(lambda piece: piece.keys(storage))

    @cached_property
    def _ranges(self) -> DataFrame:
        """What batches read of each shard, in the order that :func:`check_positions` asks for."""
        ranges = self._records.select(F.inline("ranges"))
        begins = ranges.groupBy("query_id").agg(F.min("timestamp").alias("begun"))
        shard = ("stream", "shard")
        return (
            ranges.join(begins, "query_id")
            .repartition(*shard)
            .sortWithinPartitions(*shard, F.col("kind") == "stream", "begun", "query_id", "batch_id")
        )

    def _positions(self) -> DataFrame:
        return self._frame(self._ranges.rdd.mapPartitions(check_positions), FINDING_DDL)

    def _missing_batches(self) -> DataFrame:
        """The holes in the batches of each query that no backfill has filled."""
        holes = {query: list(of) for query, of in groupby(self._holes(), key=lambda hole: hole.query_id)}
        rows = self._ranges.rdd.mapPartitions(partial(see, holes, self.since is None)) if holes else None
        shown = (
            self._frame(rows, SEEN_DDL).groupBy("query_id", "next").agg(F.collect_set("seen"))
            if rows
            else None
        )
        seen = {(query, after): found for query, after, found in shown.collect()} if shown else {}
        left = [
            hole
            for of in holes.values()
            for hole in of
            if not is_filled(seen.get((hole.query_id, hole.next), ()))
        ]
        return self.spark.createDataFrame([hole.finding for hole in left], FINDING_DDL)

    def _holes(self) -> list[Hole]:
        """The batches of a query are numbered from 0 without a gap, the steps of a run too."""
        batches = self._records.groupBy("query_id", "batch_id").agg(
            F.min("key").alias("key"), F.min("kind").alias("kind")
        )
        # All of a run has one time, so no day cuts it.
        begins = F.when(F.lit(self.since is None) | (F.col("kind") != "stream"), -1).otherwise(
            F.col("batch_id") - 1
        )
        before = F.coalesce(
            F.lag("batch_id").over(Window.partitionBy("query_id").orderBy("batch_id")), begins
        )
        holes = batches.withColumn("before", before).where("batch_id > before + 1")
        rows = holes.select("query_id", "before", F.col("batch_id").alias("next"), "key", "kind")
        return sorted([*(Hole(*row) for row in rows.collect()), *self._lacking_at_the_end()])

    def _lacking_at_the_end(self) -> Iterator[Hole]:
        """What comes after the last record of a query or run, although it is archived."""
        under_way, records = self._begun
        due = [*last_steps(self.storage, under_way.finished), *filter(None, [self.stream.done])]
        due = [last for last in due if last.timestamp >= (self.since or "")]
        queries = records.where(F.col("query_id").isin([last.query_id for last in due]))
        newest = queries.groupBy("query_id").agg(F.max("batch_id"))
        found: dict[str, int] = dict(newest.collect()) if due else {}
        for last in due:
            begins = last.batch_id - 1 if self.since and last.kind == "stream" else -1
            before = found.get(last.query_id, begins)
            if before < last.batch_id:
                yield Hole(last.query_id, before, last.batch_id + 1, delivery_record_key(last), last.kind)

    def _frame(self, rows: "RDD[Any]", ddl: str) -> DataFrame:
        return self.spark.createDataFrame(rows, ddl, verifySchema=False)

    @property
    def _context(self) -> SparkContext:
        return self.spark.sparkContext

    @property
    def _tasks(self) -> int:
        return TASKS_PER_CORE * int(self._context.defaultParallelism)
