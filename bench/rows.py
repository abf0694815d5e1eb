"""What is measured: each row of the table is one way through the whole corpus."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.corpus import Corpus
from bench.floor import parse_only
from jobs.backfill.exports import open_export
from jobs.backfill.job import Job
from jobs.backfill.options import Options
from jobs.backfill.runs import Run
from jobs.batch import Batch
from jobs.catalog import NoCatalog
from jobs.errors import PipelineError
from jobs.settings import ArchiveSettings, Settings, SourceSettings
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import open_storage
from jobs.sinks.write import write
from schemas import load
from transforms import SystemUserIdPattern, outcomes

COPY = "raw copy of the bytes"
FLOOR = "parse only"
# The rows whose speed is also given as a share of the floor's.
JOB = "transform and write"
BACKFILL = "backfill of an export"
PATHS = ("transform", JOB, BACKFILL)
BATCH = Batch("stream", "bench", 0, "2026-04-01T00:00:00.000Z")


class CountsWrong(PipelineError):
    """The archive that was written holds more or fewer change events than the corpus: its time counts for nothing."""


@dataclass(frozen=True)
class Row:
    """One row: ``run`` goes once through the whole corpus, within the directory it is given.

    ``check`` looks afterwards at what that left there, and isn't measured.
    """

    name: str
    run: Callable[[Path], object]
    check: Callable[[Path], None] = lambda _directory: None


def spark_rows(spark: SparkSession, corpus: Corpus) -> list[Row]:
    """The rows that Spark does. Plans are made here, once, as a stream makes them; running one optimizes it anew."""
    source = spark.read.parquet(corpus.directory.as_uri())
    transformed = source.transform(outcomes, load(), F.lit(BATCH.timestamp), SystemUserIdPattern.of())
    return [
        Row(COPY, partial(_copy, corpus)),
        Row("read", partial(_discard, source)),
        Row(FLOOR, partial(_discard, source.transform(parse_only))),
        Row("transform", partial(_discard, transformed)),
        Row(JOB, partial(_archive, transformed, corpus)),
        Row(BACKFILL, partial(_backfill, spark, corpus)),
    ]


def _discard(df: DataFrame, _directory: Path) -> None:
    df.write.format("noop").mode("overwrite").save()


def _copy(corpus: Corpus, directory: Path) -> None:
    """The payloads, out of the corpus and into one file, by one thread."""
    with (directory / "copy").open("wb") as copy:
        for file in sorted(corpus.directory.glob("*.parquet")):
            for batch in pq.ParquetFile(file).iter_batches(columns=["data"]):
                copy.write(batch.column(0).buffers()[2])


def _archive(transformed: DataFrame, corpus: Corpus, directory: Path) -> None:
    partitions = transformed.sparkSession.sparkContext.defaultParallelism
    written = write(transformed, BATCH, open_storage(str(directory)), load(), partitions=partitions)
    check_counts(corpus, written)


def _backfill(spark: SparkSession, corpus: Corpus, directory: Path) -> None:
    """As ``jobs.backfill`` does it: the manifest's checksums, then step by step, with delivery records."""
    places = {"uri": str(directory / "archive"), "checkpoint": str(directory / "checkpoint")}
    settings = Settings(source=SourceSettings(stream="bench"), archive=ArchiveSettings.model_validate(places))
    storage = settings.archive.open_archive()
    source = open_export(Options("export", str(corpus.export)), settings, storage)
    run = Run("bench", BATCH.timestamp, plan=source.plan(), begun_before=False)
    job = Job(spark, storage, settings.archive, load(), SystemUserIdPattern.of(), source, run)
    records = [job.archive(number, step, NoCatalog(), is_interrupted=False) for number, step in job.steps()]
    read = sum(record.counts.read for record in records)
    if read != corpus.events:
        raise CountsWrong(f"of {corpus.events:,} items {read:,} were archived or failed: run the tests")


def check_counts(corpus: Corpus, written: Sequence[WrittenObject]) -> None:
    """Raise ``CountsWrong`` unless read = archived + failed, and failed are the bad ones of the corpus."""
    archived, failed = (
        sum(one.count for one in written if one.kind == kind) for kind in ("delivery", "error")
    )
    check_read(corpus, archived, failed)


def check_read(corpus: Corpus, archived: int, failed: int) -> None:
    """As ``check_counts``, for the numbers of change events."""
    if (archived + failed, failed) != (corpus.events, corpus.bad):
        raise CountsWrong(
            f"of {corpus.events:,} change events, {corpus.bad:,} of them bad, {archived:,} were archived and "
            f"{failed:,} failed: the time says nothing; run the tests"
        )
