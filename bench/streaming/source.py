"""Records per second of the Kinesis source, next to a bare loop of boto3 with as many threads."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from bench.streaming.query import Reading, batches, seconds, wait
from jobs.sources.kinesis.options import MAX_PAGE, Limits


def source_seconds(spark: SparkSession, stream: str, records: int, directory: Path) -> float:
    """Seconds that Spark takes to read the whole stream, as one batch, into nothing."""
    with Reading(spark, stream, directory, most=records).into_nothing() as query:
        wait(query, lambda: sum(each["numInputRows"] for each in batches(query)) >= records)
        return sum(map(seconds, batches(query)))


def loop_seconds(client: Any, stream: str, records: int) -> float:
    """Seconds that threads of boto3, one a shard, take to read the whole stream and forget it."""
    shards = [each["ShardId"] for each in client.list_shards(StreamName=stream)["Shards"]]
    start = time.monotonic()
    with ThreadPoolExecutor(Limits.threads) as pool:
        read = sum(pool.map(lambda shard: _read(client, stream, shard), shards))
    took = time.monotonic() - start
    assert read == records, f"the stream holds {read} records, not {records}"
    return took


def _read(client: Any, stream: str, shard: str) -> int:
    first = client.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    read, iterator = 0, first["ShardIterator"]
    while True:
        page = client.get_records(ShardIterator=iterator, Limit=MAX_PAGE)
        read, iterator = read + len(page["Records"]), page["NextShardIterator"]
        if not page["Records"] and not page["MillisBehindLatest"]:
            return read
