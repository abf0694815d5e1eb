"""A run at work: what its steps are made and archived with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.archive_batch import Archive
from jobs.backfill.runs import Run
from jobs.backfill.steps import Input, Step, Work
from jobs.backfill.unwritten import Unwritten
from jobs.batch import Batch
from jobs.catalog import Catalog
from jobs.settings import ArchiveSettings
from jobs.sinks.deliveries import read_delivery_record
from jobs.sinks.leftovers import remove_leftovers
from jobs.sinks.records import DeliveryRecord, delivery_record
from jobs.sinks.storage import Storage
from jobs.sinks.write import write
from jobs.version import VERSION
from schemas import RecordSchema
from transforms import SystemUserIdPattern, outcomes


@dataclass(frozen=True)
class Job:
    """One start of a run: its input, and where and how it is archived."""

    spark: SparkSession
    storage: Storage
    settings: ArchiveSettings
    record_schemas: Mapping[str, RecordSchema]
    pattern: SystemUserIdPattern
    source: Input
    run: Run

    def steps(self) -> Iterator[tuple[int, Step]]:
        """The run's steps with their numbers. Raises what the input raises."""
        work = Work(self.spark, self.run.id, self.run.plan, self._outcomes, self.archived)
        return enumerate(self.source.steps(work))

    def archived(self, number: int) -> DeliveryRecord | None:
        """The step's delivery record, None where it isn't archived yet."""
        return read_delivery_record(self.storage, self._batch(number))

    def archive(self, number: int, step: Step, catalog: Catalog, *, is_interrupted: bool) -> DeliveryRecord:
        """Archive a step as the stream archives a batch; ``is_interrupted`` where an earlier start may have begun it."""
        archive = Archive(
            self.storage, catalog, self.record_schemas, self.settings, self._partitions, spread=True
        )
        if is_interrupted:
            archive = replace(archive, interrupted=number)
        rows = self._outcomes(step.rows(self.spark))
        return archive.archive(rows, self._batch(number), step.source, step.read, lag=lambda: None)

    def remove_leftovers(self, number: int) -> None:
        """Remove what a start that died left of a step that the run has no more: another run took its events since."""
        remove_leftovers(self.storage, self._batch(number), None)

    def rehearse(self, number: int, step: Step) -> DeliveryRecord:
        """The delivery record that archiving the step would give; nothing is written."""
        batch = self._batch(number)
        written = write(
            self._outcomes(step.rows(self.spark)),
            batch,
            Unwritten(self.storage),
            self.record_schemas,
            partitions=self._partitions,
            containers=self.settings.containers,
            spread=True,
        )
        read = sum(one.count for one in written) if step.read is None else step.read
        return delivery_record(batch, version=VERSION, source=step.source, read=read, written=written)

    def _batch(self, number: int) -> Batch:
        return Batch(self.source.kind, self.run.id, number, self.run.timestamp)

    def _outcomes(self, rows: DataFrame) -> DataFrame:
        return rows.transform(outcomes, self.record_schemas, F.lit(self.run.timestamp), self.pattern)

    @property
    def _partitions(self) -> int:
        return int(self.spark.sparkContext.defaultParallelism)
