"""A batch archived without a stream, as the job archives each of its own."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from jobs.archive_batch import Archive
from jobs.batch import Batch
from jobs.catalog import NoCatalog
from jobs.settings import ArchiveSettings
from jobs.sinks.storage import open_storage
from tests.jobs.archived import Archived
from tests.jobs.ledger import Entry
from transforms import SystemUserIdPattern, outcomes

BATCH = Batch("stream", "q", 0, "2026-03-01T12:34:56.789Z")


def archive_one_batch(spark: SparkSession, payloads: Sequence[bytes], directory: Path) -> None:
    """Archives the payloads; fails unless the archive holds exactly what the oracle makes of each."""
    shutil.rmtree(directory / "archive", ignore_errors=True)
    storage = open_storage(str(directory / "archive"))
    settings = ArchiveSettings(uri=storage.uri, checkpoint=str(directory / "checkpoint"))
    job = Archive(storage, NoCatalog(), schemas.load(), settings, partitions=2)
    ledger = [Entry("shard-0", str(number), data) for number, data in enumerate(payloads)]
    frame = spark.createDataFrame(
        [(bytearray(data), shard, number) for shard, number, data in ledger],
        "data binary, shardId string, sequenceNumber string",
    )
    made = outcomes(frame, job.record_schemas, F.lit(BATCH.timestamp), SystemUserIdPattern.of())
    read_by = {"stream": "s", "shards": {"shard-0": {"after": "TRIM_HORIZON", "to": str(len(ledger))}}}
    job.archive(made, BATCH, read_by, len(ledger), lambda: None)
    Archived.in_directory(directory / "archive").holds(ledger)
