"""The whole audit, spread over Spark's tasks: the driver never holds the list of objects, nor any object."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby, islice
from typing import Any, NamedTuple

from pyspark import RDD, SparkContext, StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import PipelineError
from jobs.sinks.local import LocalStorage
from jobs.sinks.names import PARTITION
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage
from jobs.verify.findings import FINDING_DDL, Finding
from jobs.verify.finished import finished_runs
from jobs.verify.holes import END_DDL, SEEN_DDL, End, Hole, find_holes, is_filled, see
from jobs.verify.listing import SizedKey, batch_time, keys_of, pieces
from jobs.verify.logged import Committed, Log
from jobs.verify.objects import CHECKED_DDL, PRESENT_DDL, ObjectCheck
from jobs.verify.positions import check_positions
from jobs.verify.records import RANGE_DDL, RECORD_DDL, read_records
from jobs.verify.under_way import UnderWay

TASKS_PER_CORE = 2
FOLDERS = ("deliveries/", "data/", "errors/")
SETTLE_SECONDS = 30.0


class NoArchive(PipelineError):
    """Nothing of an archive is where it is looked for."""


def check_is_archive(storage: Storage) -> None:
    """Raise ``NoArchive`` where not even a foreign object is, and soon what is wrong with a bucket; nothing is written."""
    if not isinstance(storage, LocalStorage):
        storage.check()
    if not any(key for folder in FOLDERS for key in islice(storage.list(folder), 1)):
        raise NoArchive(
            f"there is no archive at {storage.uri}: no object is below its {', '.join(FOLDERS)}. If the job has archived a "
            "batch already, correct archive.uri"
        )


class Begun(NamedTuple):
    """What was looked up before any delivery record was read, and the records (``RECORD_DDL``)."""

    under_way: UnderWay
    committed: Committed | None
    ends: list[End]
    damaged: list[Finding]
    records: DataFrame


@dataclass(frozen=True)
class Audit:
    """An audit of the archive in ``storage``, of all of it or of batches from the day ``since`` on.

    Its frames are evaluated once and kept on Spark's disks. What the ``checkpoint`` and finished runs say is archived is
    read before the delivery records, and these before anything else is listed: so whatever is told was there by then.
    """

    spark: SparkSession
    storage: Storage
    pii: Collection[str]
    since: str | None = None
    settle_seconds: float = SETTLE_SECONDS
    checkpoint: Storage | None = None

    @cached_property
    def findings(self) -> DataFrame:
        """Everything that was found (``FINDING_DDL``), but for the catalog's."""
        in_records = self._records.select(F.inline("problems"))
        found = in_records.union(self._checked.select(F.inline("findings")))
        told = self.spark.createDataFrame([*self._begun.damaged, *self._missing_batches()], FINDING_DDL)
        found = found.union(self._positions()).union(told).persist(StorageLevel.DISK_ONLY)
        # All tasks at once, and all objects listed before it is asked what is under way.
        found.count()
        return self._begun.under_way.sorted_out(found, self.settle_seconds)

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
    def _begun(self) -> Begun:
        log = Log(self.checkpoint, self.storage.uri) if self.checkpoint else None
        committed = log.committed(self.since) if log else None
        under_way = UnderWay.at_the_beginning(self.storage, log)
        ends, damaged = finished_runs(self.storage, self.since)
        after = f"deliveries/{self.since}/" if self.since else ""
        keys = self._found("deliveries/", after).map(lambda listed: listed.key)
        read = keys.mapPartitions(partial(read_records, self.storage))
        records = self._frame(read, RECORD_DDL).persist(StorageLevel.DISK_ONLY)
        records.count()
        ends += [committed.end] if committed else []
        return Begun(under_way, committed, ends, damaged, records)

    @property
    def _records(self) -> DataFrame:
        return self._begun.records

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
        """What is below a folder (``PRESENT_DDL``), but for such as belongs to batches before ``since``."""
        since = self.since or ""
        found = self._found(below).filter(lambda listed: (batch_time(listed.key) or since) >= since)
        return self._frame(found, PRESENT_DDL)

    def _found(self, below: str, after: str = "") -> "RDD[SizedKey]":
        storage, of = self.storage, list(pieces(self.storage, below, after))
        tasks = max(1, min(len(of), self._tasks))
        return self._context.parallelize(of, tasks).flatMap(partial(keys_of, storage))

    @cached_property
    def _ranges(self) -> DataFrame:
        """What batches read of each shard, in the order that :func:`check_positions` asks for."""
        ranges = self._records.select(F.inline("ranges"))
        end = self._begun.committed
        if end and any(hole.key == end.end.key for hole in self._holes):
            # Where what is missing led to is known.
            ranges = ranges.union(self.spark.createDataFrame(end.ranges, RANGE_DDL))
        begins = ranges.groupBy("query_id").agg(F.min("timestamp").alias("begun"))
        shard = ("stream", "shard")
        return (
            ranges.join(begins, "query_id")
            .repartition(*shard)
            .sortWithinPartitions(*shard, F.col("kind") == "stream", "begun", "query_id", "batch_id")
        )

    def _positions(self) -> DataFrame:
        return self._frame(self._ranges.rdd.mapPartitions(check_positions), FINDING_DDL)

    def _missing_batches(self) -> list[Finding]:
        """The holes in the batches of each query that no backfill has filled, and in the steps of runs."""
        holes = {query: list(of) for query, of in groupby(self._holes, key=lambda hole: hole.query_id)}
        end = self._begun.committed
        starts = {end.last.query_id: end.start} if end and end.start else {}
        looked = partial(see, holes, self.since is None, starts)
        rows = self._ranges.rdd.mapPartitions(looked) if holes else None
        shown = (
            self._frame(rows, SEEN_DDL).groupBy("query_id", "next").agg(F.collect_set("seen"))
            if rows
            else None
        )
        seen = {(query, after): found for query, after, found in shown.collect()} if shown else {}
        return [
            hole.finding for hole in self._holes if not is_filled(seen.get((hole.query_id, hole.next), ()))
        ]

    @cached_property
    def _holes(self) -> list[Hole]:
        numbered = self._records.where("batch_id is not null")
        is_stream = F.col("kind") == "stream"
        batches = numbered.select("query_id", is_stream.alias("is_stream"), "batch_id", "key")
        ends = self.spark.createDataFrame(self._begun.ends, END_DDL)
        return find_holes(batches, ends, self.since is None)

    def _frame(self, rows: "RDD[Any]", ddl: str) -> DataFrame:
        return self.spark.createDataFrame(rows, ddl, verifySchema=False)

    @property
    def _context(self) -> SparkContext:
        return self.spark.sparkContext

    @property
    def _tasks(self) -> int:
        return TASKS_PER_CORE * int(self._context.defaultParallelism)
