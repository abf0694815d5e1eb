"""An offset counts the records up to it, so what a batch read is known without looking at what came of it."""

import itertools
import json

from jobs.sources.kinesis.offsets import from_json, reader_of, records_between
from tests.sources.fake_kinesis import STREAM, FakeKinesis
from tests.sources.reading import Consumer

FIRST = "shardId-000000000000"


def test_offsets_count_the_records_since_the_start(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"%d" % number for number in range(25)])
    consumer = Consumer(STREAM, {FIRST: "TRIM_HORIZON"}, maxRecordsPerBatch=10, getRecordsPerSecond=1000)
    consumer.drain()
    assert [offset["#records"] for offset in consumer.logged] == [0, 10, 20, 25]
    between = [records_between(*pair) for pair in itertools.pairwise(consumer.logged)]
    assert between == [table.num_rows for _, _, table in consumer.batches]


def test_the_count_comes_first_so_that_an_offset_is_always_the_same_json(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"a"])
    consumer = Consumer(STREAM, {FIRST: "TRIM_HORIZON"})
    consumer.read()
    offset = consumer.logged[-1]
    assert list(offset) == ["#records", FIRST]
    assert json.dumps(offset) == json.dumps(offset, sort_keys=True)


def test_an_offset_says_whose_reading_it_is_until_another_one_follows(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"a"])
    first = Consumer(STREAM, {FIRST: "TRIM_HORIZON"}, readerId="one")
    first.drain()
    offset = first.logged[-1]
    assert list(offset) == sorted(offset) == ["#reader", "#records", FIRST]
    assert reader_of(offset) == "one"
    second = Consumer(STREAM, {FIRST: "TRIM_HORIZON"}, readerId="two")
    second.logged = [offset]
    # Nothing is new, so that Spark begins no batch.
    assert second.drain().logged == [offset]
    fake.put(FIRST, [b"b"])
    assert reader_of(second.drain().logged[-1]) == "two"


def test_an_ended_shard_alone_counts_nothing(fake: FakeKinesis) -> None:
    fake.add_shard(1, (0,))
    consumer = Consumer(STREAM, {FIRST: "TRIM_HORIZON"})
    consumer.drain()
    assert {offset["#records"] for offset in consumer.logged} == {0}
    assert consumer.offset[FIRST] == "SHARD_END"


def test_a_checkpoint_whose_offsets_have_no_count_is_counted_from_now_on(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"a", b"b", b"c"])
    consumer = Consumer(STREAM, {FIRST: "TRIM_HORIZON"}, maxRecordsPerBatch=1, getRecordsPerSecond=1000)
    consumer.read()
    uncounted = consumer.offset
    assert records_between({FIRST: "TRIM_HORIZON"}, uncounted) is None
    consumer.offset = uncounted
    newest = consumer.drain().logged[-1]
    assert newest["#records"] == records_between(uncounted, newest) == 2


def test_a_logged_offset_serves_as_a_start() -> None:
    assert from_json('{"#records":7,"shardId-000000000000":"12"}') == {FIRST: "12"}
