"""One table: the latest state of the records of one type."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from jobs.latest.delta import Delta, kept_for
from jobs.latest.failures import LatestError
from jobs.latest.newest import BUCKET, BUCKETS, age, newest
from jobs.latest.records import records
from jobs.latest.steps import Due
from jobs.sinks.storage import Storage
from schemas import RecordSchema

_TASK_BYTES = 16 << 20
_LEAST_TASKS = 8
_FILES_OF_A_BUCKET = 8


@dataclass(frozen=True)
class Done:
    """What was done to a table: containers and records read, rows inserted and updated, buckets compacted."""

    type: str
    containers: int
    records: int
    inserted: int
    updated: int
    compacted: int
    seconds: float


@dataclass(frozen=True)
class LatestTable:
    """The table at ``delta`` of the records of ``schema``; a new one has so many buckets."""

    delta: Delta
    storage: Storage
    schema: RecordSchema
    buckets: int
    retention: timedelta

    def apply(self, due: Due, without: Collection[str] = ()) -> Done | None:
        """Commit what is due to the table, but for containers ``without``; None where none of it is about this type."""
        start = time.monotonic()
        due = replace(due, containers=due.containers.where(~F.col("key").isin(*without)))
        size = due.containers.agg(F.count("*"), F.sum("events"), F.sum("bytes")).first()
        assert size is not None, "an aggregate has a row"
        containers, count, volume = size
        if not containers and not due.anew:
            return None
        named = due.containers.repartition(self._tasks(containers, volume or 0))
        changed = records(named, self.storage, self.schema)
        inserted, updated = self._made_of(changed, due) if due.anew else self._merged(changed, due)
        compacted = 0 if due.anew else self._compact()
        seconds = round(time.monotonic() - start, 3)
        return Done(self.schema.type, containers, count or 0, inserted, updated, compacted, seconds)

    def keep_properties(self) -> None:
        """Bring an existing table's properties to what the conf says now."""
        if self.delta.exists:
            self.delta.set_properties(self._properties)

    def vacuum(self) -> None:
        """Remove what the table, if there is one, hasn't held any more for its retention, and what killed attempts left."""
        if self.delta.exists:
            self.delta.vacuum()

    def _made_of(self, changed: DataFrame, due: Due) -> tuple[int, int]:
        rows = newest(changed, self.buckets).repartition(BUCKET)
        writer = rows.write.format("delta").mode("overwrite").partitionBy(BUCKET)
        options = {
            **self._properties,
            **due.step.options(),
            "overwriteSchema": "true",
            "partitionOverwriteMode": "static",
        }
        self.delta.check()
        writer.options(**options).save(self.delta.uri)
        written = self.delta.table.history(1).first()
        return (int(written.operationMetrics["numOutputRows"]) if written else 0), 0

    def _merged(self, changed: DataFrame, due: Due) -> tuple[int, int]:
        held = self.delta.rows
        self._check_is_known(held.schema, changed.schema)
        buckets = int(held.schema[BUCKET].metadata[BUCKETS])
        source = newest(changed, buckets).persist()
        try:
            touched = sorted(row[0] for row in source.select(BUCKET).distinct().collect())
            same = "t.reference.id = s.reference.id"
            columns = [name for name in changed.columns if name in held.columns]
            merge = (
                self.delta.table.alias("t")
                .merge(source.alias("s"), f"{_is_one_of(touched, 't.')} and t.bucket = s.bucket and {same}")
                .withSchemaEvolution()
                .whenMatchedUpdateAll(age(columns, "s") > age(columns, "t"))
                .whenNotMatchedInsertAll()
            )
            self.delta.check()
            with due.step.of_session(self.delta.spark):
                merged = merge.execute().first()
        finally:
            source.unpersist()
        return _inserted_and_updated(merged)

    def _check_is_known(self, held: StructType, known: StructType) -> None:
        """A MERGE leaves what its source lacks as it was: of a deleted record, too."""
        unknown = attributes(held) - attributes(known) - {BUCKET}
        if unknown:
            raise LatestError(
                f"{self.delta.uri}: a newer version made this table, with {', '.join(sorted(unknown))}: run that one, or this "
                "one with --rebuild"
            )

    def _compact(self) -> int:
        """Make few files of many small ones, in the buckets that have too many; returns how many these are."""
        of_bucket = self.delta.small_files().groupBy(
            F.col("partitionValues")[BUCKET].cast("int").alias(BUCKET)
        )
        crowded = of_bucket.count().where(F.col("count") > _FILES_OF_A_BUCKET)
        buckets = sorted(row[BUCKET] for row in crowded.collect())
        if buckets:
            self.delta.compact(_is_one_of(buckets))
        return len(buckets)

    @property
    def _properties(self) -> dict[str, str]:
        return {
            **kept_for(self.retention),
            # Statistics of all columns would keep people's phone numbers in the log.
            "delta.dataSkippingStatsColumns": "reference.id",
            # Such a vector would leave what it hides in the file, for engines that don't know vectors to see.
            "delta.enableDeletionVectors": "false",
        }

    @staticmethod
    def _tasks(containers: int, volume: int) -> int:
        """How many tasks read containers of so many bytes together."""
        return max(1, min(containers, volume // _TASK_BYTES + _LEAST_TASKS))


def attributes(of: DataType, name: str = "") -> set[str]:
    """Names of all attributes, those within others after theirs.

    >>> sorted(attributes(StructType.fromDDL("a int, b array<struct<c: int>>, d map<string, struct<e: int>>")))
    ['a', 'b', 'b.c', 'd', 'd.e']
    """
    if isinstance(of, StructType):
        names = {(f"{name}.{field.name}" if name else field.name): field.dataType for field in of}
        return set(names).union(*(attributes(kind, full) for full, kind in names.items()))
    if isinstance(of, ArrayType):
        return attributes(of.elementType, name)
    return attributes(of.valueType, name) if isinstance(of, MapType) else set()


def _is_one_of(buckets: Iterable[int], prefix: str = "") -> str:
    """Names buckets one by one, for Delta to leave the files of others alone."""
    return f"{prefix}{BUCKET} in ({', '.join(map(str, buckets)) or -1})"


def _inserted_and_updated(merged: Row | None) -> tuple[int, int]:
    """What a MERGE says that it did; it says nothing where it had been done before."""
    return (merged.num_inserted_rows, merged.num_updated_rows) if merged else (0, 0)
