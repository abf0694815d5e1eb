"""How far the tables have come: a Delta table of steps, each a set of delivery records with the containers they name.

A set, because delivery records don't come in any order: a batch that was interrupted is finished days later, a backfill's all
have the time at which it began. What isn't in any step is due, whenever it comes and whatever its name. A step is written down
before the tables are changed; each table's own log then says which steps are in it. So a step means the same containers
whenever it is done again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.instants import from_iso, iso
from jobs.latest.containers import CONTAINER_DDL, read_delivery_records
from jobs.latest.delta import Delta, Step
from jobs.sinks.storage import Storage
from jobs.verify.listing import Piece, batch_time, pieces

_ROW_DDL = f"key string, containers array<struct<{CONTAINER_DDL}>>"
_OWN = "steps"
_FILES = 50
_SKIPPED_BY = {"delta.dataSkippingStatsColumns": "step,key"}


@dataclass(frozen=True)
class Due:
    """What a table lacks: containers (``CONTAINER_DDL``) up to that step; ``anew`` where they are to be all that is in it."""

    step: Step
    containers: DataFrame
    anew: bool


@dataclass(frozen=True)
class Steps:
    """The steps at ``delta``, of the archive in ``storage``."""

    delta: Delta
    storage: Storage

    def plan(self, lookback: timedelta, *, sweep: bool = False, anew: bool = False) -> int:
        """Write down a step of the delivery records that are in none yet; returns how many these are.

        Looks at delivery records of batches from ``lookback`` before the newest one of the last step on; with ``sweep`` at
        every one. ``anew``: all of them are one step, the only one, that every table is to be made of.
        """
        if not self.delta.exists:
            anew = True
        after = "" if sweep or anew else self._after(lookback)
        keys = self._listed(after)
        if not anew:
            keys = keys.join(self._rows.where(F.col("key") > after).select("key"), "key", "left_anti")
        keys.persist()
        try:
            count = keys.count()
            if count:
                self._write(keys, anew=anew)
        finally:
            keys.unpersist()
        return count

    def due(self, type: str, table: Delta) -> Due | None:
        """What the table of a record type lacks, None where that is nothing."""
        if (last := self.last) is None:
            return None
        done = table.last_step(self._id)
        if done == last:
            return None
        rows = self._rows
        first = rows.agg(F.min("step")).first()
        assert first is not None, "an aggregate has a row"
        anew = done is None or done < first[0]
        lacking = rows if anew else rows.where(F.col("step") > F.lit(done))
        containers = lacking.select(F.inline("containers")).where(F.col("type") == type)
        return Due(Step(self._id, last), containers, anew)

    @property
    def last(self) -> int | None:
        """The number of the last step."""
        return self.delta.last_step(_OWN)

    def when(self, what: str) -> datetime | None:
        """When that was last done, None where it never was."""
        text = self.delta.known(f"latest.{what}") if self.delta.exists else None
        return from_iso(text) if text else None

    def remember(self, at: datetime, **done: bool) -> None:
        """Keep when what was done was done, where there is any step."""
        if self.delta.exists:
            self.delta.set_properties(
                {f"latest.{what}": iso(at) for what, is_done in done.items() if is_done}
            )

    def compact(self) -> None:
        """Make few files of many small ones: every step adds one."""
        if self.delta.small_files().count() > _FILES:
            self.delta.table.optimize().executeCompaction()

    def vacuum(self) -> None:
        """Remove what compactions replaced, after Delta's own week."""
        self.delta.table.vacuum()

    @property
    def _id(self) -> str:
        """What the tables know the steps by: other steps, made because these got lost, are to be done from the first one on."""
        return self.delta.id

    @property
    def _rows(self) -> DataFrame:
        return self.delta.rows

    def _after(self, lookback: timedelta) -> str:
        """The key after which the delivery records are that may be new."""
        newest = self._rows.where(F.col("step") == F.lit(self.last)).agg(F.max("key")).first()
        time = batch_time(newest[0]) if newest else None
        if time is None:
            return ""
        since = iso(from_iso(time) - lookback)
        return f"deliveries/{since[:10]}/{since.replace(':', '-')}"

    def _listed(self, after: str) -> DataFrame:
        of = list(pieces(self.storage, "deliveries/", after))
        context = self.delta.spark.sparkContext
        tasks = max(1, min(len(of), context.defaultParallelism))
        keys = context.parallelize(of, tasks).flatMap(partial(_keys_of, self.storage))
        return self.delta.spark.createDataFrame(keys.map(_row), "key string", verifySchema=False)

    def _write(self, keys: DataFrame, *, anew: bool) -> None:
        last = self.last
        step = Step(_OWN, 0 if last is None else last + 1)
        records = keys.rdd.mapPartitions(partial(_read, self.storage))
        rows = self.delta.spark.createDataFrame(records, _ROW_DDL, verifySchema=False)
        writer = rows.select(F.lit(step.number).cast("bigint").alias("step"), "*").write.format("delta")
        writer = writer.mode("overwrite" if anew else "append").options(**step.options(), **_SKIPPED_BY)
        writer.save(self.delta.uri)


def _keys_of(storage: Storage, piece: Piece) -> Iterator[str]:
    return storage.list(*piece)


def _row(key: str) -> tuple[str]:
    return (key,)


def _read(storage: Storage, rows: Iterable[Any]) -> Iterator[Any]:
    return read_delivery_records(storage, (row.key for row in rows))
