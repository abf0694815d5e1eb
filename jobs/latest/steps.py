"""How far the tables have come: a Delta table of steps, each a set of delivery records with the containers they name.

A set, because delivery records don't come in any order: a batch that was interrupted is finished days later, a backfill's all
have the time at which it began. What isn't in any step is due, whenever it comes and whatever its name. A step is written down
before the tables are changed; each table's own log then says which steps are in it. So a step means the same containers
whenever it is done again.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.instants import from_iso, iso
from jobs.latest.containers import NAMED_DDL, read_delivery_records
from jobs.latest.delta import Delta, Step
from jobs.sinks.failures import DeliveryRecordUnreadable
from jobs.sinks.storage import Storage
from jobs.verify.listing import SizedKey, batch_time, keys_of, pieces

_OWN = "steps"
_FILES = 50
_SKIPPED_BY = {"delta.dataSkippingStatsColumns": "step,key"}


class Planned(NamedTuple):
    """How many delivery records are in the new step, and what is wrong with one that can't be read and so is in none."""

    new: int
    unreadable: str | None


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

    def plan(
        self,
        lookback: timedelta,
        *,
        sweep: bool = False,
        anew: bool = False,
        without: Collection[str] = (),
    ) -> Planned:
        """Write down a step of the delivery records that are in none yet.

        Looks at delivery records of batches from ``lookback`` before the newest one of the last step on; with ``sweep`` at
        every one. ``anew``: all of them are one step, the only one, that every table is to be made of. An unreadable one is
        left for later, unless its key is in ``without``: then it names nothing, for good. Where one can't be read nothing is
        made ``anew``, for tables would lose what it names: raises ``DeliveryRecordUnreadable``.
        """
        if not self.delta.exists:
            anew = True
        after = "" if sweep or anew else self._after(lookback)
        keys = self._listed(after)
        if not anew:
            keys = keys.join(self._rows.where(F.col("key") > after).select("key"), "key", "left_anti")
        named = self._named_by(keys, without).persist()
        try:
            found = named.agg(F.count("containers"), F.min("unreadable")).first()
            assert found is not None, "an aggregate has a row"
            planned = Planned(*found)
            if anew and planned.unreadable:
                raise DeliveryRecordUnreadable(planned.unreadable)
            if planned.new:
                self._write(named.where(F.col("containers").isNotNull()), anew=anew)
        finally:
            named.unpersist()
        return planned

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
            self.delta.compact()

    def vacuum(self) -> None:
        """Remove what compactions replaced, after Delta's own week."""
        self.delta.vacuum()

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
        keys = context.parallelize(of, tasks).flatMap(partial(keys_of, self.storage))
        return self.delta.spark.createDataFrame(keys.map(_row), "key string", verifySchema=False)

    def _named_by(self, keys: DataFrame, without: Collection[str]) -> DataFrame:
        """What delivery records name, as ``NAMED_DDL``."""
        read = keys.rdd.mapPartitions(partial(_read, self.storage))
        named = self.delta.spark.createDataFrame(read, NAMED_DDL, verifySchema=False)
        is_left_out = F.col("containers").isNull() & F.col("key").isin(*without)
        return named.withColumns(
            {
                "containers": F.when(is_left_out, F.array()).otherwise(F.col("containers")),
                "unreadable": F.when(~is_left_out, F.col("unreadable")),
            }
        )

    def _write(self, named: DataFrame, *, anew: bool) -> None:
        last = self.last
        step = Step(_OWN, 0 if last is None else last + 1)
        rows = named.select(F.lit(step.number).cast("bigint").alias("step"), "key", "containers")
        writer = rows.write.format("delta")
        writer = writer.mode("overwrite" if anew else "append").options(**step.options(), **_SKIPPED_BY)
        self.delta.check()
        writer.save(self.delta.uri)


def _row(listed: SizedKey) -> tuple[str]:
    return (listed.key,)


def _read(storage: Storage, rows: Iterable[Any]) -> Iterator[Any]:
    return read_delivery_records(storage, (row.key for row in rows))
