"""Brings all tables to what the archive holds, pass by pass."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from pyspark.sql import SparkSession

from jobs.instants import now
from jobs.latest.apart import Apart
from jobs.latest.delta import Delta, configure, unchecked
from jobs.latest.failures import LatestError, TablesInUse
from jobs.latest.steps import Steps
from jobs.latest.table import Done, LatestTable
from jobs.lease import Lease, RunUnderWay
from jobs.settings import LatestSettings
from jobs.sinks.failures import DeliveryRecordUnreadable
from jobs.sinks.storage import Storage
from schemas import RecordSchema

log = structlog.get_logger()

_LEASE = "tables.lease"
# The share of its interval by which something may come early: passes on a schedule of the same interval begin by it seconds
# earlier or later than the one before, and one that were too early would put it off by a whole interval.
_EARLY = 0.1
_DELTA = "io.delta.sql.DeltaSparkSessionExtension"


@dataclass(frozen=True)
class Latest:
    """The tables of one archive, and the steps by which they follow it."""

    steps: Steps
    tables: tuple[LatestTable, ...]
    conf: LatestSettings

    def update(self, *, anew: bool = False, without: Collection[str] = ()) -> bool:
        """One pass: every table gets what delivery records name and it lacks; returns whether anything was lacking.

        A pass that was killed is finished by the next one. ``anew``: every table is made of the whole archive. Containers
        and unreadable delivery records ``without`` are left out, for good. What fails keeps neither other tables from what
        they lack nor old files from being removed; the first failure is raised after that.
        """
        start, moment, apart = time.monotonic(), now(), Apart()
        planned = self._plan(moment, apart, anew=anew, without=without)
        tried = [
            apart.tried(table.schema.type, partial(self._apply, table, without)) for table in self.tables
        ]
        done = [one for one in tried if one]
        if planned:
            apart.tried("steps", self.steps.compact)
        vacuumed = self._tidy(moment, apart)
        if planned or done:
            log.info(
                "latest",
                deliveryRecords=planned,
                tables={one.type: _told(one) for one in done},
                vacuumed=vacuumed,
                seconds=round(time.monotonic() - start, 3),
            )
        apart.end()
        return bool(planned or done)

    def exists(self, type: str) -> bool:
        """Whether there is a table of that record type: there is none before anything was archived."""
        return any(table.schema.type == type and table.delta.exists for table in self.tables)

    def keep_properties(self) -> None:
        """Bring the tables that are there to what the conf says now."""
        for table in self.tables:
            table.keep_properties()

    def _plan(self, moment: datetime, apart: Apart, *, anew: bool, without: Collection[str]) -> int:
        """How many delivery records are in the step that was written down."""
        sweep = anew or self._is_due("swept", moment, timedelta(hours=self.conf.sweep_hours))
        lookback = timedelta(hours=self.conf.lookback_hours)
        planned = apart.tried(
            "deliveries",
            lambda: self.steps.plan(lookback, sweep=sweep, anew=anew, without=without),
        )
        if planned is None:
            return 0
        if planned.unreadable:
            apart.failed("deliveries", DeliveryRecordUnreadable(planned.unreadable))
        else:
            self.steps.remember(moment, swept=sweep)
        return planned.new

    def _apply(self, table: LatestTable, without: Collection[str]) -> Done | None:
        due = self.steps.due(table.schema.type, table.delta)
        return table.apply(due, without) if due else None

    def _tidy(self, moment: datetime, apart: Apart) -> bool:
        """Remove old files where that is due: where the last time is a quarter of the retention ago."""
        if not self._is_due("vacuumed", moment, timedelta(hours=self.conf.retention_hours) / 4):
            return False
        is_first = self.steps.when("vacuumed") is None  # these tables were made just now
        vacuums = [] if is_first else [*(table.vacuum for table in self.tables), self.steps.vacuum]
        done = [apart.tried("vacuum", partial(_is_done, vacuum)) for vacuum in vacuums]
        is_done = all(done)
        self.steps.remember(moment, vacuumed=is_done)
        return is_done and not is_first

    def _is_due(self, what: str, moment: datetime, every: timedelta) -> bool:
        last = self.steps.when(what)
        return last is None or moment - last >= every * (1 - _EARLY)


def open_tables(
    spark: SparkSession,
    archive: Storage,
    place: Storage,
    schemas: dict[str, RecordSchema],
    conf: LatestSettings,
    check: Callable[[], None] = unchecked,
) -> Latest:
    """The tables at ``place`` of the records in ``archive``; ``check`` is asked before each write and may raise.

    Raises LatestError where Spark can't work with them.
    """
    if _DELTA not in str(spark.conf.get("spark.sql.extensions", "")):
        raise LatestError(
            f"this Spark was started without Delta: add --conf spark.sql.extensions={_DELTA} --conf "
            "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog to spark-submit"
        )
    configure(spark)
    retention = timedelta(hours=conf.retention_hours)
    tables = (
        LatestTable(Delta(spark, f"{place.uri}/{type}", check), archive, schema, conf.buckets, retention)
        for type, schema in schemas.items()
    )
    return Latest(Steps(Delta(spark, f"{place.uri}/steps", check), archive), tuple(tables), conf)


@contextmanager
def held(place: Storage) -> Iterator[Lease]:
    """Keep other processes from the tables while the block runs. Raises TablesInUse where one is at them."""
    try:
        with Lease(place, _LEASE).held() as lease:
            yield lease
    except RunUnderWay:
        raise TablesInUse(
            f"another jobs.latest is at the tables in {place.uri}, or may be, for the lease there couldn't be renewed: this one "
            "ends; the other, or the next start, does the same work"
        ) from None


def _told(done: Done) -> dict[str, float]:
    return {name: value for name, value in asdict(done).items() if name != "type"}


def _is_done(do: Callable[[], None]) -> bool:
    do()
    return True
