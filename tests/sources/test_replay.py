"""A batch read again is the same rows in the same order, or a clear error; never fewer."""

from datetime import timedelta

import pytest

from jobs.instants import now
from jobs.sources.kinesis.errors import KinesisUnavailable, ReplayFailed
from jobs.sources.kinesis.offsets import Offset, at
from tests.sources.fake_kinesis import STREAM, FakeKinesis, Fault
from tests.sources.reading import Consumer, everywhere

FIRST = "shardId-000000000000"


def _read(fake: FakeKinesis, start: Offset | None = None, **options: object) -> Consumer:
    """Two shards of fifty records each, read in batches of thirty."""
    fake.put(FIRST, [b"0-%d" % i for i in range(50)])
    fake.put(fake.add_shard(1), [b"1-%d" % i for i in range(50)])
    start = start or everywhere("TRIM_HORIZON", list(fake.shards))
    given: dict[str, object] = {"maxRecordsPerBatch": 30, "getRecordsPerSecond": 100, **options}
    return Consumer(STREAM, start, **given).drain()  # type: ignore[arg-type]


def _assert_all_the_same_again(consumer: Consumer) -> None:
    for number, (_, _, table) in enumerate(consumer.batches):
        assert consumer.again(number).equals(table)


def test_each_batch_is_the_same_again_whatever_came_since(fake: FakeKinesis) -> None:
    consumer = _read(fake)
    fake.put(FIRST, [b"later"] * 100)
    _assert_all_the_same_again(consumer)
    assert len(consumer.batches) >= 4


def test_a_batch_that_began_at_an_instant_is_the_same_again(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"before"], age_seconds=60)
    start = everywhere(at(now() - timedelta(seconds=30)), [FIRST, "shardId-000000000001"])
    consumer = _read(fake, start)
    assert b"before" not in consumer.bodies
    _assert_all_the_same_again(consumer)


def test_empty_pages_on_the_way_are_no_end(fake: FakeKinesis) -> None:
    consumer = _read(fake)
    fake.shards[FIRST].empty_pages = 12
    _assert_all_the_same_again(consumer)


def test_a_page_that_ends_early_is_no_end(fake: FakeKinesis) -> None:
    consumer = _read(fake)
    fake.page_cap = 3
    fake.lag_is_always_zero = True
    _assert_all_the_same_again(consumer)


def test_passing_faults_only_cost_time(fake: FakeKinesis) -> None:
    consumer = _read(fake)
    fake.faults += [
        Fault("GetRecords", "ProvisionedThroughputExceededException", 2),
        Fault("GetShardIterator", "InternalFailure", 1, status=500),
        Fault("GetRecords", "ExpiredIteratorException", 1),
        Fault("GetRecords", "ResourceNotFoundException", 1),
    ]
    _assert_all_the_same_again(consumer)


def test_lasting_faults_end_in_an_error(fake: FakeKinesis) -> None:
    consumer = _read(fake, retryAttempts=2)
    fake.faults.append(Fault("GetRecords", "InternalFailure", 100, status=500))
    with pytest.raises(
        KinesisUnavailable, match=r"can't be read again: InternalFailure 2 times .* Start again"
    ):
        consumer.again(0)


def test_an_end_that_is_never_reached_is_an_error_in_the_end(fake: FakeKinesis) -> None:
    consumer = _read(fake, maxEmptyPages=5)
    fake.shards[FIRST].empty_pages = 10**9
    with pytest.raises(ReplayFailed, match=rf"{FIRST} of stream fake doesn't reach .*6 empty answers"):
        consumer.again(0)


def test_a_batch_of_a_reshard_alone_is_empty_again(fake: FakeKinesis) -> None:
    consumer = _read(fake)
    fake.add_shard(2, (0, 1))
    consumer.drain()
    start, end, table = consumer.batches[-1]
    assert table.num_rows == 0
    assert end == {**dict.fromkeys(start, "SHARD_END"), "shardId-000000000002": "TRIM_HORIZON"}
    assert consumer.again(len(consumer.batches) - 1).num_rows == 0


def test_a_batch_that_ends_a_shard_is_the_same_again(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"%d" % i for i in range(20)])
    fake.put(fake.add_shard(1, (0,)), [b"child-%d" % i for i in range(5)])
    consumer = Consumer(STREAM, {FIRST: "TRIM_HORIZON"}).drain()
    assert next(iter(consumer.batches[0][1].values())) == "SHARD_END"
    assert consumer.batches[0][2].num_rows == 25
    fake.put("shardId-000000000001", [b"later"])
    _assert_all_the_same_again(consumer)
