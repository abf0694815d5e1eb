"""The streaming part of the job: from the source to the outcomes of each micro-batch."""

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import PipelineError
from jobs.instants import from_iso
from jobs.settings import SourceSettings
from jobs.sinks.storage import Storage
from jobs.sources.kinesis import (
    KinesisDataSource,
    kinesis_client,
    load_or_keep_start,
    lost_in,
    ranges,
    reader_of,
    records_between,
    restore_progress,
)
from schemas import RecordSchema
from transforms import SystemUserIdPattern, outcomes
from transforms.iso8601 import iso_millis

# A start that can't reach the stream says so soon.
_START_ATTEMPTS = 5


class ConnectorMissingError(PipelineError):
    """The jar of the AWS connector isn't on Spark's class path."""


@dataclass(frozen=True)
class Source:
    """A source and what its offsets mean: ``start`` is the kept start, null for a source that keeps its own.

    ``reader`` is the id of this run's reader, which its offsets have.
    """

    stream: str
    rows: DataFrame
    start: Mapping[str, Any] | None
    reader: str | None = None

    def read_by(self, before: Mapping[str, Any] | None, end: Mapping[str, Any]) -> dict[str, Any]:
        """The ``source`` of a delivery record: what a batch read, from its predecessor's end (or the start) to its own."""
        if self.start is None:
            return {"stream": self.stream}
        shards, lost = ranges(self.start if before is None else before, end), lost_in(end)
        return {"stream": self.stream, "shards": shards, **({"lost": lost} if lost else {})}

    def count(self, before: Mapping[str, Any] | None, end: Mapping[str, Any]) -> int | None:
        """How many change events a batch read, by the source's own count; None where it keeps none."""
        if self.start is None:
            return None
        return records_between(self.start if before is None else before, end)

    def has_read(self, end: Mapping[str, Any]) -> bool:
        """Whether this run's reader read the batch that ends there, as far as the offset says."""
        return reader_of(end) in (None, self.reader)


def kinesis_start(source: SourceSettings, checkpoint: Storage) -> str:
    """Where the checkpoint starts reading, resolved and kept at the first call. Raises SourceError."""
    client = kinesis_client(source.region, min(source.retry_attempts, _START_ATTEMPTS))
    return load_or_keep_start(checkpoint, client, source.stream, source.start, datetime.now(UTC))


def kinesis_source(
    spark: SparkSession, source: SourceSettings, checkpoint: Storage, start: str, progress: Path
) -> Source:
    """Our own Kinesis reader (``source.format = "kinesis"``), from ``kinesis_start``. Raises SourceError."""
    _lead_to_packages(spark)
    spark.dataSource.register(KinesisDataSource)
    restore_progress(checkpoint, progress)
    reader = uuid.uuid4().hex
    rows = spark.readStream.format("kinesis").options(
        streamName=source.stream,
        initialOffset=start,
        maxRecordsPerBatch=source.max_records_per_batch,
        maxBytesPerBatch=source.max_bytes_per_batch,
        failOnDataLoss=source.fail_on_data_loss,
        retryAttempts=source.retry_attempts,
        progressFile=str(progress),
        readerId=reader,
        **({"region": source.region} if source.region else {}),
    )
    return Source(source.stream, rows.load(), json.loads(start), reader)


def _lead_to_packages(spark: SparkSession) -> None:
    """Let a source's own process find our packages where they come from a zip.

    To all others Spark 4.1 says where --py-files are; to this one it names a folder that doesn't exist.
    """
    packages = Path(__file__).parents[1]
    if not packages.is_dir():
        environment = spark.sparkContext.environment
        known = filter(None, [str(packages), environment.get("PYTHONPATH")])
        environment["PYTHONPATH"] = os.pathsep.join(known)


def aws_kinesis_source(spark: SparkSession, source: SourceSettings) -> Source:
    """The connector that EMR bundles (``source.format = "aws-kinesis"``). Raises ConnectorMissingError.

    Its offset log holds no ends: a replayed batch may hold other rows, and records were lost around reshards when we
    measured it. Only for streams that need its fan-out more than the guarantee.
    """
    endpoint = kinesis_client(source.region).meta
    reader = spark.readStream.format("aws-kinesis").options(
        **{
            "kinesis.streamName": source.stream,
            "kinesis.region": endpoint.region_name,
            "kinesis.endpointUrl": endpoint.endpoint_url,
            "kinesis.consumerType": "GetRecords",
            "kinesis.startingPosition": _starting_position(source.start),
            "kinesis.maxFetchRecordsPerShard": str(source.max_records_per_batch),
            "kinesis.failOnDataLoss": str(source.fail_on_data_loss).lower(),
        }
    )
    try:
        rows = reader.load()
    except Py4JJavaError as error:
        if "DATA_SOURCE_NOT_FOUND" not in str(error.java_exception):
            raise
        raise ConnectorMissingError(
            'source.format = "aws-kinesis" needs the AWS connector on the class path: add its jar with '
            "spark-submit --jars (EMR has it), or take the format kinesis"
        ) from error
    return Source(source.stream, rows.withColumn("shardId", F.lit(None).cast("string")), None)


def _starting_position(start: str) -> str:
    """The start as the connector takes it, instants in whole seconds.

    >>> _starting_position("LATEST"), _starting_position("2026-03-01T12:00:00.250+01:00")
    ('LATEST', 'AT_TIMESTAMP 2026-03-01T11:00:00Z')
    """
    if start in ("LATEST", "TRIM_HORIZON"):
        return start
    return f"AT_TIMESTAMP {from_iso(start):%Y-%m-%dT%H:%M:%SZ}"


def stream_outcomes(
    rows: DataFrame, record_schemas: Mapping[str, RecordSchema], pattern: SystemUserIdPattern, partitions: int
) -> DataFrame:
    """The outcomes of every micro-batch (:func:`transforms.outcomes.outcomes`).

    The reader hands Spark one partition: the rows are spread by a hash, which a replay repeats. In a streaming plan
    ``current_timestamp()`` is the batch's time from the offset log.
    """
    spread = rows.repartition(partitions, "sequenceNumber") if partitions > 1 else rows
    return spread.transform(outcomes, record_schemas, iso_millis(F.current_timestamp()), pattern)
