"""What Delta is asked and told, whichever table it is about."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

TXN_APP_ID = "spark.databricks.delta.write.txnAppId"
TXN_VERSION = "spark.databricks.delta.write.txnVersion"
_FILE_BYTES, _SMALL_BYTES = 128 << 20, 64 << 20
_TASKS_PER_CORE = 2
_SETTINGS = {
    # A step's source follows from containers, which never change: what Spark keeps of it, or makes again, is the same.
    "spark.databricks.delta.merge.materializeSource": "none",
    "spark.databricks.delta.merge.failSourceCachedAfterMaterialization": "false",
    "spark.databricks.delta.optimize.maxFileSize": str(_FILE_BYTES),
    "spark.databricks.delta.optimize.minFileSize": str(_SMALL_BYTES),
    # Else every run would add two commits that say nothing.
    "spark.databricks.delta.vacuum.logging.enabled": "false",
    "spark.databricks.delta.vacuum.parallelDelete.enabled": "true",
}


def configure(spark: SparkSession) -> None:
    """Give the session the settings of Delta that every table here relies on."""
    for name, value in _SETTINGS.items():
        spark.conf.set(name, value)
    # Delta's own numbers, 50 and 10,000, suit tables of millions of files: with few, their empty tasks take half a minute.
    tasks = _TASKS_PER_CORE * int(spark.sparkContext.defaultParallelism)
    spark.conf.set("spark.databricks.delta.snapshotPartitions", tasks)
    spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", tasks)


def kept_for(retention: timedelta) -> dict[str, str]:
    """The properties of a table whose earlier versions are kept for so many whole hours."""
    kept = f"interval {round(retention / timedelta(hours=1))} hours"
    return {"delta.deletedFileRetentionDuration": kept, "delta.logRetentionDuration": kept}


@dataclass(frozen=True)
class Step:
    """What a commit is known by (``txnAppId``, ``txnVersion``): Delta makes no second one with it, nor an earlier one after it."""

    of: str
    number: int

    def options(self) -> dict[str, str]:
        """For a write."""
        return {"txnAppId": self.of, "txnVersion": str(self.number)}

    @contextmanager
    def of_session(self, spark: SparkSession) -> Iterator[None]:
        """For a MERGE, which takes them from the session."""
        spark.conf.set(TXN_APP_ID, self.of)
        spark.conf.set(TXN_VERSION, str(self.number))
        try:
            yield
        finally:
            spark.conf.unset(TXN_APP_ID)
            spark.conf.unset(TXN_VERSION)


def unchecked() -> None:
    """The check of who has the tables alone anyhow."""


@dataclass(frozen=True)
class Delta:
    """The Delta table at ``uri``, whether it is there or not; ``check`` raises where this process mustn't write any more."""

    spark: SparkSession
    uri: str
    check: Callable[[], None] = unchecked

    @property
    def exists(self) -> bool:
        """Whether it is there."""
        return DeltaTable.isDeltaTable(self.spark, self.uri)

    @property
    def table(self) -> DeltaTable:
        """Its interface; it must be there."""
        return DeltaTable.forPath(self.spark, self.uri)

    @property
    def rows(self) -> DataFrame:
        """What is in it now."""
        return self.spark.read.format("delta").load(self.uri)

    @property
    def id(self) -> str:
        """What tells it from another table at the same place."""
        return str(self._snapshot.metadata().id())

    def known(self, name: str) -> str | None:
        """What the property of that name says, None where it has none."""
        value = self._snapshot.metadata().configuration().get(name)
        return str(value.get()) if value.isDefined() else None

    def last_step(self, of: str) -> int | None:
        """The number of the newest step ``of`` that was committed to it, None where none was."""
        if not self.exists:
            return None
        committed = self._snapshot.transactions().get(of)
        return int(committed.get()) if committed.isDefined() else None

    def set_properties(self, wanted: Mapping[str, str]) -> None:
        """Set what differs."""
        differing = {name: value for name, value in wanted.items() if self.known(name) != value}
        if differing:
            self.check()
            told = ", ".join(f"'{name}' = '{value}'" for name, value in differing.items())
            self.spark.sql(f"ALTER TABLE delta.`{self.uri.replace('`', '``')}` SET TBLPROPERTIES ({told})")

    def compact(self, where: str | None = None) -> None:
        """Make few files of many small ones, in the partitions that ``where`` says."""
        self.check()
        optimize = self.table.optimize()
        (optimize.where(where) if where else optimize).executeCompaction()

    def vacuum(self) -> None:
        """Remove files that no version within the table's retention holds."""
        self.check()
        self.table.vacuum()

    def small_files(self) -> DataFrame:
        """The files that compaction would put together, as the log describes them: ``partitionValues``, ``size`` and so on."""
        files = DataFrame(self._snapshot.allFiles().toDF(), self.spark)
        return files.where(F.col("size") < _SMALL_BYTES)

    @property
    def _snapshot(self) -> Any:
        """Its newest version, as Delta's own code has it: no public interface tells which steps were committed."""
        jvm, session = self.spark._jvm, self.spark._jsparkSession
        assert jvm is not None, "a classic session has a JVM"
        return jvm.org.apache.spark.sql.delta.DeltaLog.forTableWithSnapshot(session, self.uri)._2()
