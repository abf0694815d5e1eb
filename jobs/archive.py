"""``python -m jobs.archive``: archives the change events of a Kinesis stream, for ever or until it has caught up."""

import argparse
import gc
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

import schemas
from jobs import checkpoint
from jobs.archive_batch import Archive
from jobs.batch import Batch
from jobs.catalog import Catalog, open_catalog
from jobs.command_line import conf_parser, exit_code
from jobs.log import configure_logging
from jobs.metrics import open_metrics
from jobs.session import settings_of, spark_session
from jobs.settings import (
    ArchiveSettings,
    Settings,
    SettingsError,
    SourceSettings,
    load_settings,
)
from jobs.sinks.deliveries import read_delivery_record
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage
from jobs.sources.kinesis import caught_up, keep_progress, read_progress
from jobs.spark_checks import check_pattern, check_spark_reaches
from jobs.spark_errors import told_in_one_line
from jobs.stream import Source, aws_kinesis_source, kinesis_source, kinesis_start, stream_outcomes
from jobs.supervisor import Supervisor
from schemas import RecordSchema
from transforms import SystemUserIdPattern

_NOW = "0 seconds"
# After so many batches Python looks for what nobody has any more: Java keeps the plan of each frame until then, and by itself
# Python looks so seldom that the plans of hundreds of batches pile up.
_TIDY_BATCHES = 20
_IDLE_RULES = ("SimplifyConditionals", "RemoveRedundantAliases", "OptimizeCsvJsonExprs")
# How Spark plans the batches of a stream; Delta's VACUUM fails in a session with these settings.
STREAMING = {
    # Sizes are known; and Spark plans a streaming batch anew to describe each change that this makes to its plan.
    "spark.sql.adaptive.enabled": "false",
    # What they look for the steps don't have, and the search is a third of the time to plan a batch.
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in _IDLE_RULES
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; 0 when it ended as asked, 1 when it failed, 2 when the command line or the conf is wrong."""
    options = _options(arguments)
    configure_logging()
    return exit_code("archive", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    settings = load_settings(options.conf, options.set)
    if options.until_caught_up and settings.source.format != "kinesis":
        raise SettingsError("--until-caught-up needs source.format kinesis: no other says how far it is")
    run(settings, until_caught_up=options.until_caught_up)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = conf_parser("jobs.archive", __doc__)
    parser.add_argument(
        "--until-caught-up", action="store_true", help="archive all that the stream holds now, then end"
    )
    return parser.parse_args(arguments)


@dataclass(frozen=True)
class Job:
    """The streaming query and what its batches need; ``progress`` is the file in which the source tells its lag."""

    spark: SparkSession
    archive: Archive
    checkpoints: Storage
    source: Source
    progress: Path

    @cached_property
    def _query_id(self) -> str:
        return checkpoint.query_id(self.checkpoints)

    def archive_batch(self, outcomes: DataFrame, batch_id: int) -> None:
        """Archive one micro-batch, under the time and the source's end that Spark logged for it (BR-015)."""
        logged = checkpoint.logged_batch(self.checkpoints, batch_id)
        checkpoint.sync_logged(self.checkpoints, batch_id)
        self._check_own(batch_id, logged)
        before = checkpoint.logged_batch(self.checkpoints, batch_id - 1).end if batch_id else None
        self.archive.archive(
            outcomes,
            Batch("stream", self._query_id, batch_id, logged.timestamp),
            self.source.read_by(before, logged.end),
            self.source.count(before, logged.end),
            lag=lambda: (read_progress(self.progress) or {}).get("lagMs"),
            confirm=lambda: checkpoint.check_unshared(self.checkpoints, batch_id, logged),
        )
        if batch_id % _TIDY_BATCHES == 0:
            gc.collect()

    def _check_own(self, batch_id: int, logged: checkpoint.LoggedBatch) -> None:
        """The rows are of this run's own reading; the log may have become another job's. A replay reads what is logged."""
        if batch_id != self.archive.interrupted and not self.source.has_read(logged.end):
            raise checkpoint.CheckpointError(checkpoint.ANOTHER_JOB)

    def start(self, supervisor: Supervisor, pattern: SystemUserIdPattern, trigger: str) -> StreamingQuery:
        """Start the query; ``trigger`` is the time from the start of a batch to that of the next."""
        outcomes = stream_outcomes(
            self.source.rows, self.archive.record_schemas, pattern, self.archive.partitions
        )
        query = (
            outcomes.writeStream.queryName("archive")
            .foreachBatch(supervisor.guarded(self.archive_batch))
            .option("checkpointLocation", self.checkpoints.uri)
            .trigger(processingTime=trigger)
        )
        # A query keeps the settings that it was started with.
        with settings_of(self.spark, STREAMING):
            return query.start()

    def supervise(self, supervisor: Supervisor, query: StreamingQuery, until: datetime | None) -> None:
        """Wait for the query's end; it is ended once all that the stream held at ``until`` is archived."""
        try:
            supervisor.supervise(
                query,
                is_done=lambda: until is not None and caught_up(read_progress(self.progress), until),
                is_committed=lambda batch_id: checkpoint.is_committed(self.checkpoints, batch_id),
                upkeep=lambda: keep_progress(self.checkpoints, self.progress),
            )
        finally:
            keep_progress(self.checkpoints, self.progress)


@told_in_one_line()
def run(settings: Settings, *, until_caught_up: bool = False) -> None:
    """Archive the stream until SIGTERM or SIGINT, or until all that it held at the start is archived.

    Raises PipelineError, whatever went wrong.
    """
    began = datetime.now(UTC)
    supervisor = Supervisor()
    supervisor.stop_on_signals()
    storage, checkpoints = _open(settings.archive)
    interrupted = checkpoint.interrupted_batch(checkpoints)
    start = kinesis_start(settings.source, checkpoints) if settings.source.format == "kinesis" else None
    record_schemas = schemas.load()
    catalog = _catalog(settings, storage, checkpoints, record_schemas)
    pattern = SystemUserIdPattern.of(settings.system_user_id.pattern)
    spark = spark_session()
    # Again, because a starting SparkContext takes SIGINT for itself.
    supervisor.stop_on_signals()
    check_spark_reaches(spark, checkpoints)
    check_pattern(spark, pattern)
    archive = Archive(
        storage,
        catalog,
        record_schemas,
        settings.archive,
        spark.sparkContext.defaultParallelism,
        may_lose=not settings.source.fail_on_data_loss,
        interrupted=interrupted,
        metrics=open_metrics(settings),
    )
    with tempfile.TemporaryDirectory(prefix="dmd-progress-") as scratch:
        progress = Path(scratch, "progress.json")
        source = _source(spark, settings.source, checkpoints, start, progress)
        job = Job(spark, archive, checkpoints, source, progress)
        query = job.start(supervisor, pattern, _NOW if until_caught_up else settings.archive.trigger)
        job.supervise(supervisor, query, began if until_caught_up else None)


def _open(settings: ArchiveSettings) -> tuple[Storage, Storage]:
    """The archive and its checkpoint, both usable and belonging together."""
    storage, checkpoints = settings.open_archive(), settings.open_checkpoint()
    storage.check()
    checkpoints.check()
    checkpoint.claim(checkpoints, storage.uri)
    return storage, checkpoints


def _catalog(
    settings: Settings, storage: Storage, checkpoints: Storage, record_schemas: Mapping[str, RecordSchema]
) -> Catalog:
    """The catalog with its tables, and with what an earlier run had left pending."""
    catalog = open_catalog(settings.catalog, storage, record_schemas, settings.archive.format)
    catalog.ensure_tables()
    if pending := _pending(storage, checkpoints):
        catalog.register(pending)
    return catalog


def _pending(storage: Storage, checkpoints: Storage) -> Sequence[Partition]:
    """What the catalog hadn't taken when an earlier run ended: the last delivery record says it of all before it."""
    for batch in checkpoint.latest_batches(checkpoints):
        record = read_delivery_record(storage, batch)
        if record is not None:
            return record.pending_partitions
    return ()


def _source(
    spark: SparkSession, settings: SourceSettings, checkpoints: Storage, start: str | None, progress: Path
) -> Source:
    if start is None:
        return aws_kinesis_source(spark, settings)
    return kinesis_source(spark, settings, checkpoints, start, progress)


if __name__ == "__main__":
    sys.exit(main())
