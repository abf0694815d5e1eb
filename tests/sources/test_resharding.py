"""Shards split and merged at any moment, on kinesis-mock: nothing lost, nothing twice, parents before children."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.emulators import EmulatedKinesis
from tests.sources.reading import Consumer, Producer, in_order

Reshard = Callable[[Producer], None]


def _split(producer: Producer) -> None:
    producer.split()


def _merge(producer: Producer) -> None:
    producer.merge()


def _merge_a_split(producer: Producer) -> None:
    producer.split()
    producer.put(30)
    producer.merge(1)


EITHER = pytest.mark.parametrize("reshard", [_split, _merge, _merge_a_split])


def _assert_parents_come_first(consumer: Consumer) -> None:
    """No record of a child is in an earlier batch than a record of its parent; within a batch, order is by shard."""
    last_batch_of: dict[str, int] = {}
    first_batch_of: dict[str, int] = {}
    for number, (_, _, table) in enumerate(consumer.batches):
        for shard in set(table.column("shardId").to_pylist()):
            last_batch_of[shard] = number
            first_batch_of.setdefault(shard, number)
    for shard in consumer.reader._engine._listed.values():  # type: ignore[union-attr]
        for parent in shard.parents:
            if shard.id in first_batch_of and parent in last_batch_of:
                assert last_batch_of[parent] <= first_batch_of[shard.id]


def _assert_all_read(consumer: Consumer, producer: Producer) -> None:
    assert consumer.bodies == producer.ledger
    assert all(in_order(table) for _, _, table in consumer.batches)
    _assert_parents_come_first(consumer)


@EITHER
def test_resharded_while_reading(on_kinesis_mock: EmulatedKinesis, reshard: Reshard) -> None:
    producer = Producer(on_kinesis_mock, on_kinesis_mock.create_stream(3))
    consumer = Consumer(producer.stream, producer.start("LATEST"))
    for _ in range(2):
        producer.put(60)
        consumer.read()
        reshard(producer)
        producer.put(60)
        consumer.read()
    _assert_all_read(consumer.drain(), producer)


@EITHER
def test_resharded_while_the_reader_lags(on_kinesis_mock: EmulatedKinesis, reshard: Reshard) -> None:
    producer = Producer(on_kinesis_mock, on_kinesis_mock.create_stream(3))
    consumer = Consumer(producer.stream, producer.start("TRIM_HORIZON"), maxRecordsPerBatch=35)
    producer.put(150)
    consumer.read()
    reshard(producer)
    producer.put(150)
    _assert_all_read(consumer.drain(), producer)
    assert len(consumer.batches) >= 8


@EITHER
def test_resharded_while_nobody_reads(on_kinesis_mock: EmulatedKinesis, reshard: Reshard) -> None:
    producer = Producer(on_kinesis_mock, on_kinesis_mock.create_stream(3))
    before = Consumer(producer.stream, producer.start("LATEST"))
    producer.put(100)
    before.read()
    producer.put(50)
    reshard(producer)
    producer.put(100)
    after = Consumer(producer.stream, before.offset).drain()
    assert before.bodies + after.bodies == producer.ledger


@EITHER
@pytest.mark.parametrize("times", [1, 2])
def test_trim_horizon_reads_the_shards_that_were_resharded_before(
    on_kinesis_mock: EmulatedKinesis, reshard: Reshard, times: int
) -> None:
    producer = Producer(on_kinesis_mock, on_kinesis_mock.create_stream(3))
    producer.put(60)
    for _ in range(times):
        reshard(producer)
        producer.put(60)
    consumer = Consumer(producer.stream, producer.start("TRIM_HORIZON"), maxRecordsPerBatch=45)
    _assert_all_read(consumer.drain(), producer)


def test_latest_reads_no_old_record_of_a_child_that_was_there_at_the_start(
    on_kinesis_mock: EmulatedKinesis,
) -> None:
    producer = Producer(on_kinesis_mock, on_kinesis_mock.create_stream(1))
    producer.put(40)
    producer.split()
    producer.put(40)
    start = producer.start("LATEST")
    followed = producer.put(40)
    producer.merge()
    followed += producer.put(40)
    assert Consumer(producer.stream, start).drain().bodies == Counter(followed)


def test_a_reshard_without_records_makes_one_empty_batch_and_is_then_silent(
    on_kinesis_mock: EmulatedKinesis,
) -> None:
    producer = Producer(on_kinesis_mock, on_kinesis_mock.create_stream(1))
    consumer = Consumer(producer.stream, producer.start("LATEST"))
    producer.put(10)
    consumer.drain()
    producer.split()
    consumer.drain()
    assert [table.num_rows for _, _, table in consumer.batches] == [10, 0]
    shards = consumer.offset
    assert list(shards.values()) == ["SHARD_END", "TRIM_HORIZON", "TRIM_HORIZON"]
    producer.put(20)
    _assert_all_read(consumer.drain(), producer)


def test_every_batch_is_the_same_when_read_again(on_kinesis_mock: EmulatedKinesis) -> None:
    producer = Producer(on_kinesis_mock, on_kinesis_mock.create_stream(3))
    consumer = Consumer(producer.stream, producer.start("LATEST"), maxRecordsPerBatch=40)
    producer.put(100)
    producer.split()
    producer.put(100)
    consumer.read()
    producer.merge(1)
    producer.put(100)
    consumer.drain()
    for number, (_, _, table) in enumerate(consumer.batches):
        assert consumer.again(number).equals(table)
