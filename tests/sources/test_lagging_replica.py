"""A Kinesis that says it is at the tip although it isn't: rows come late by it, never twice, and a replay has the same."""

import pytest

from tests.sources.fake_kinesis import STREAM, FakeKinesis
from tests.sources.reading import Consumer, everywhere

FIRST = "shardId-000000000000"


@pytest.fixture
def consumer(fake: FakeKinesis) -> Consumer:
    """It has read five records; five more are to come."""
    fake.put(FIRST, [b"a%d" % number for number in range(5)])
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", [FIRST])).drain()
    fake.put(FIRST, [b"b%d" % number for number in range(5)])
    fake.lag_is_always_zero = True
    return consumer


def read_all(fake: FakeKinesis, consumer: Consumer) -> None:
    for _ in range(200):
        consumer.read()
        if consumer.bodies >= fake.ledger():
            consumer.read()
            return
    raise AssertionError("not all was read")


@pytest.mark.parametrize("pages", [1, 3, 20])
def test_after_an_expired_iterator_nothing_comes_twice(
    pages: int, fake: FakeKinesis, consumer: Consumer
) -> None:
    fake.expire_iterators()
    fake.shards[FIRST].empty_pages = pages
    read_all(fake, consumer)
    assert consumer.bodies == fake.ledger()


@pytest.mark.parametrize("pages", [1, 3, 20])
def test_after_a_restart_nothing_comes_twice(pages: int, fake: FakeKinesis, consumer: Consumer) -> None:
    restarted = Consumer(STREAM, consumer.offset, consumer.progress_file)
    fake.shards[FIRST].empty_pages = pages
    read_all_of = fake.ledger() - consumer.bodies
    for _ in range(200):
        restarted.read()
        if restarted.bodies >= read_all_of:
            break
    restarted.read()
    assert restarted.bodies == read_all_of


def test_after_a_restart_without_progress_it_is_no_loss(fake: FakeKinesis, consumer: Consumer) -> None:
    restarted = Consumer(STREAM, consumer.offset)
    fake.shards[FIRST].empty_pages = 3
    for _ in range(50):
        restarted.read()
    assert restarted.bodies == fake.ledger() - consumer.bodies


@pytest.mark.parametrize("pages", [1, 3, 20])
def test_a_batch_read_again_is_the_same(pages: int, fake: FakeKinesis, consumer: Consumer) -> None:
    read_all(fake, consumer)
    last = len(consumer.batches) - 1
    fake.shards[FIRST].empty_pages = pages
    assert consumer.again(last).equals(consumer.batches[last][2])
