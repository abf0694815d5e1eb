"""The streaming part of the job: from the source to the outcomes of each micro-batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.settings import Settings
from jobs.sinks.storage import Storage
from jobs.sources.kinesis import (
    KinesisDataSource,
    kinesis_client,
    load_or_keep_start,
    ranges,
    restore_progress,
)
from schemas import RecordSchema
from transforms import SystemUserIdPattern, outcomes
from transforms.iso8601 import iso_millis


@dataclass(frozen=True)
class Source:
    """A source and what its offsets mean: ``start`` is the kept start, null for a source that keeps its own."""

    stream: str
    rows: DataFrame
    start: Mapping[str, Any] | None

    def read_by(self, before: Mapping[str, Any] | None, end: Mapping[str, Any]) -> dict[str, Any]:
        """The ``source`` of a delivery record: what a batch read, from its predecessor's end (or the start) to its own."""
        if self.start is None:
            return {"stream": self.stream}
        return {"stream": self.stream, "shards": ranges(self.start if before is None else before, end)}


def kinesis_source(spark: SparkSession, settings: Settings, checkpoint: Storage, progress: Path) -> Source:
    """Our own Kinesis reader (``source.format = "kinesis"``). Raises SourceError."""
    import json

    source = settings.source
    spark.dataSource.register(KinesisDataSource)
    client = kinesis_client(source.region)
    start = load_or_keep_start(checkpoint, client, source.stream, source.start, datetime.now(UTC))
    restore_progress(checkpoint, progress)
    reader = spark.readStream.format("kinesis").options(
        streamName=source.stream,
        initialOffset=start,
        maxRecordsPerBatch=source.max_records_per_batch,
        maxBytesPerBatch=source.max_bytes_per_batch,
        failOnDataLoss=source.fail_on_data_loss,
        progressFile=str(progress),
        **({"region": source.region} if source.region else {}),
    )
    return Source(source.stream, reader.load(), json.loads(start))


def aws_kinesis_source(spark: SparkSession, settings: Settings) -> Source:
    """The connector that EMR bundles (``source.format = "aws-kinesis"``).

    Its offset log holds no ends: a replayed batch may hold other rows, and records were lost around reshards when we
    measured it. Only for streams that need its fan-out more than the guarantee.
    """
    source = settings.source
    start = source.start if source.start in ("LATEST", "TRIM_HORIZON") else f"AT_TIMESTAMP {source.start}"
    reader = spark.readStream.format("aws-kinesis").options(
        **{
            "kinesis.streamName": source.stream,
            "kinesis.region": source.region,
            "kinesis.consumerType": "GetRecords",
            "kinesis.startingposition": start,
            "kinesis.failondataloss": str(source.fail_on_data_loss).lower(),
        }
    )
    return Source(source.stream, reader.load().withColumn("shardId", F.lit(None).cast("string")), None)


def stream_outcomes(
    rows: DataFrame, record_schemas: Mapping[str, RecordSchema], pattern: SystemUserIdPattern, partitions: int
) -> DataFrame:
    """The outcomes of every micro-batch (:func:`transforms.outcomes.outcomes`).

    The reader hands Spark one partition: the rows are spread by a hash, which a replay repeats. In a streaming plan
    ``current_timestamp()`` is the batch's time from the offset log.
    """
    spread = rows.repartition(partitions, "sequenceNumber") if partitions > 1 else rows
    return spread.transform(outcomes, record_schemas, iso_millis(F.current_timestamp()), pattern)
