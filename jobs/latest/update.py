"""Brings all tables to what the archive holds, pass by pass."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from pyspark.sql import SparkSession

from jobs.backfill.errors import RunUnderWay
from jobs.backfill.lease import Lease
from jobs.instants import now
from jobs.latest.delta import Delta, configure
from jobs.latest.failures import LatestError, TablesInUse
from jobs.latest.steps import Steps
from jobs.latest.table import Done, LatestTable
from jobs.settings import LatestSettings
from jobs.sinks.storage import Storage
from schemas import RecordSchema

log = structlog.get_logger()

_LEASE = "tables.lease"
_DELTA = "io.delta.sql.DeltaSparkSessionExtension"


@dataclass(frozen=True)
class Latest:
    """The tables of one archive, and the steps by which they follow it."""

    steps: Steps
    tables: tuple[LatestTable, ...]
    conf: LatestSettings

    def update(self, *, anew: bool = False) -> bool:
        """One pass: every table gets what delivery records name and it lacks; returns whether anything was lacking.

        A pass that was killed is finished by the next one. ``anew``: every table is made of the whole archive.
        """
        start, moment = time.monotonic(), now()
        sweep = self._is_due("swept", moment, timedelta(hours=self.conf.sweep_hours))
        planned = self.steps.plan(timedelta(hours=self.conf.lookback_hours), sweep=sweep, anew=anew)
        done = [one for table in self.tables if (one := self._apply(table))]
        if planned:
            self.steps.compact()
        # What no longer is in a table is gone after its retention and a quarter of it.
        tidy = self._is_due("vacuumed", moment, timedelta(hours=self.conf.retention_hours) / 4)
        vacuumed = tidy and self._vacuum()
        self.steps.remember(moment, swept=sweep or anew, vacuumed=tidy)
        if planned or done:
            log.info(
                "latest",
                deliveryRecords=planned,
                tables={one.type: _told(one) for one in done},
                vacuumed=vacuumed,
                seconds=round(time.monotonic() - start, 3),
            )
        return bool(planned or done)

    def keep_properties(self) -> None:
        """Bring the tables that are there to what the conf says now."""
        for table in self.tables:
            table.keep_properties()

    def _apply(self, table: LatestTable) -> Done | None:
        due = self.steps.due(table.schema.type, table.delta)
        return table.apply(due) if due else None

    def _vacuum(self) -> bool:
        if self.steps.when("vacuumed") is None:
            return False  # these tables were made just now
        for table in self.tables:
            table.vacuum()
        self.steps.vacuum()
        return True

    def _is_due(self, what: str, moment: datetime, every: timedelta) -> bool:
        last = self.steps.when(what)
        return last is None or moment - last >= every


def open_tables(
    spark: SparkSession,
    archive: Storage,
    place: Storage,
    schemas: dict[str, RecordSchema],
    conf: LatestSettings,
) -> Latest:
    """The tables at ``place`` of the records in ``archive``. Raises LatestError where Spark can't work with them."""
    if _DELTA not in str(spark.conf.get("spark.sql.extensions", "")):
        raise LatestError(
            f"this Spark was started without Delta: add --conf spark.sql.extensions={_DELTA} --conf "
            "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog to spark-submit"
        )
    configure(spark)
    retention = timedelta(hours=conf.retention_hours)
    tables = (
        LatestTable(Delta(spark, f"{place.uri}/{type}"), archive, schema, conf.buckets, retention)
        for type, schema in schemas.items()
    )
    return Latest(Steps(Delta(spark, f"{place.uri}/steps"), archive), tuple(tables), conf)


@contextmanager
def held(place: Storage) -> Iterator[Lease]:
    """Keep other processes from the tables while the block runs. Raises TablesInUse where one is at them."""
    try:
        with Lease(place, _LEASE).held() as lease:
            yield lease
    except RunUnderWay:
        raise TablesInUse(
            f"another jobs.latest is at the tables in {place.uri}: this one ends; the other does the same work"
        ) from None


def _told(done: Done) -> dict[str, float]:
    return {name: value for name, value in asdict(done).items() if name != "type"}
