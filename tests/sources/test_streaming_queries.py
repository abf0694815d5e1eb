"""Through Spark itself: restarts, replays, crashes and reshards, compared with the producer's ledger."""

import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from jobs.sources.kinesis import read_progress
from tests.emulators import EmulatedKinesis
from tests.sources.fake_kinesis import STREAM, FakeKinesis
from tests.sources.queries import (
    Sink,
    await_that,
    forget_last_commit,
    progress_file,
    run_until_caught_up,
    start_query,
)
from tests.sources.reading import Producer

TRIM_HORIZON = "TRIM_HORIZON"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Where the query of a test keeps its state."""
    return tmp_path / "checkpoint"


def test_restarts_with_bounded_batches_lose_and_repeat_nothing(
    spark: SparkSession, moto: EmulatedKinesis, checkpoint: Path
) -> None:
    producer = Producer(moto, moto.create_stream(2))
    producer.put(100)
    sink = Sink()
    bound = {"maxRecordsPerBatch": 60, "getRecordsPerSecond": 100}
    for stop_after in (1, 2):
        query = start_query(spark, moto, producer.stream, checkpoint, sink, TRIM_HORIZON, **bound)
        await_that(query, lambda least=stop_after: len(sink.batches) >= least)  # type: ignore[misc]
        query.stop()
        producer.put(40)
    run_until_caught_up(
        start_query(spark, moto, producer.stream, checkpoint, sink, TRIM_HORIZON, **bound), checkpoint
    )
    assert sink.bodies == producer.ledger
    assert max(map(len, sink.batches.values())) == 60


def test_the_last_batch_is_the_same_rows_in_the_same_order_when_its_commit_is_lost(
    spark: SparkSession, moto: EmulatedKinesis, checkpoint: Path
) -> None:
    producer = Producer(moto, moto.create_stream(3))
    sink = Sink()
    bound = {"maxRecordsPerBatch": 100, "getRecordsPerSecond": 100}
    producer.put(200)
    run_until_caught_up(
        start_query(spark, moto, producer.stream, checkpoint, sink, TRIM_HORIZON, **bound), checkpoint
    )
    lost = forget_last_commit(checkpoint)
    producer.put(50)
    run_until_caught_up(
        start_query(spark, moto, producer.stream, checkpoint, sink, TRIM_HORIZON, **bound), checkpoint
    )
    assert lost in sink.replayed
    assert sink.bodies == producer.ledger


@pytest.mark.parametrize("start", ["an instant", "LATEST"])
def test_a_crash_in_batch_0_loses_nothing_that_came_after_the_start(
    spark: SparkSession, moto: EmulatedKinesis, checkpoint: Path, start: str
) -> None:
    producer = Producer(moto, moto.create_stream(2))
    producer.put(20)
    time.sleep(0.01)
    instant = datetime.now(UTC).isoformat()
    since_then = producer.put(20)
    time.sleep(0.01)
    given, followed = (instant, since_then) if start == "an instant" else (start, [])
    sink = Sink(fail=True)
    query = start_query(spark, moto, producer.stream, checkpoint, sink, given)
    followed += producer.put(20)
    with pytest.raises(StreamingQueryException):
        query.awaitTermination(60)
    assert list(sink.batches) == [0]
    followed += producer.put(20)
    sink.fail = False
    run_until_caught_up(start_query(spark, moto, producer.stream, checkpoint, sink, given), checkpoint)
    assert sink.replayed == [0]
    assert sink.bodies == Counter(followed)


def test_reshards_under_a_query_and_while_it_is_down(
    spark: SparkSession, kinesis_mock: EmulatedKinesis, checkpoint: Path
) -> None:
    producer = Producer(kinesis_mock, kinesis_mock.create_stream(3))
    sink = Sink()
    query = start_query(spark, kinesis_mock, producer.stream, checkpoint, sink)
    producer.put(60)
    await_that(query, lambda: sink.bodies.total() >= 60)
    producer.split()
    producer.put(60)
    await_that(query, lambda: sink.bodies.total() >= 120)
    query.stop()
    producer.put(30)
    producer.merge(1)
    producer.split()
    producer.put(60)
    forget_last_commit(checkpoint)
    run_until_caught_up(start_query(spark, kinesis_mock, producer.stream, checkpoint, sink), checkpoint)
    assert sink.bodies == producer.ledger
    assert sink.replayed


def test_an_idle_stream_makes_no_batches(
    spark: SparkSession, moto: EmulatedKinesis, checkpoint: Path
) -> None:
    producer = Producer(moto, moto.create_stream(1))
    producer.put(5)
    sink = Sink()
    query = start_query(spark, moto, producer.stream, checkpoint, sink, TRIM_HORIZON)
    await_that(query, lambda: bool(sink.batches))
    reads = progress_file(checkpoint).stat().st_mtime_ns
    time.sleep(1.5)
    assert progress_file(checkpoint).stat().st_mtime_ns > reads
    query.stop()
    assert list(sink.batches) == [0]
    progress = read_progress(progress_file(checkpoint))
    assert progress is not None
    assert progress["lagMs"] == 0


def test_an_error_of_the_source_reaches_the_driver_in_words(
    spark: SparkSession, fake: FakeKinesis, checkpoint: Path
) -> None:
    kinesis = EmulatedKinesis(os.environ["AWS_ENDPOINT_URL_KINESIS"])
    fake.put("shardId-000000000000", [b"read"])
    sink = Sink()
    run_until_caught_up(start_query(spark, kinesis, STREAM, checkpoint, sink, TRIM_HORIZON), checkpoint)
    fake.put("shardId-000000000000", [b"never read"])
    fake.add_shard(1, (0,))
    fake.shards["shardId-000000000000"].listed = False
    query = start_query(spark, kinesis, STREAM, checkpoint, sink, TRIM_HORIZON)
    with pytest.raises(
        StreamingQueryException, match="ExpiredShard: Stream fake no longer holds shardId-000000000000"
    ):
        query.awaitTermination(60)
    assert sink.bodies == Counter([b"read"])
