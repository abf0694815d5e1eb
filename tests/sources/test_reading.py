"""A batch: all that is new, in stream order, within its bounds, at once."""

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from tests.emulators import EmulatedKinesis
from tests.sources.fake_kinesis import STREAM, FakeKinesis
from tests.sources.reading import Consumer, Producer, bodies, everywhere, in_order


def test_a_row_holds_the_record_as_kinesis_gave_it(on_moto: EmulatedKinesis) -> None:
    stream = on_moto.create_stream(1)
    producer = Producer(on_moto, stream)
    start = producer.start("TRIM_HORIZON")
    before = datetime.now(UTC)
    put = producer.client.put_record(StreamName=stream, Data=b"\x00\xffnot text", PartitionKey="key é")
    after = datetime.now(UTC)

    [row] = Consumer(stream, start).read().to_pylist()

    arrival = row.pop("approximateArrivalTimestamp")
    assert row == {
        "data": b"\x00\xffnot text",
        "streamName": stream,
        "shardId": put["ShardId"],
        "partitionKey": "key é",
        "sequenceNumber": put["SequenceNumber"],
    }
    assert before.timestamp() - 0.001 <= arrival.timestamp() <= after.timestamp() + 0.001


def test_arrival_is_exact_to_the_millisecond(fake: FakeKinesis) -> None:
    fake.put("shardId-000000000000", [b"x"])
    fake.shards["shardId-000000000000"].records[0] = (
        '{"Data": "eA==", "PartitionKey": "k", "SequenceNumber": "49",'
        ' "ApproximateArrivalTimestamp": 1772368496.789}'
    )
    [row] = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards))).read().to_pylist()
    assert row["approximateArrivalTimestamp"] == datetime(2026, 3, 1, 12, 34, 56, 789000, UTC)


def test_everything_put_is_read_once_in_stream_order(on_moto: EmulatedKinesis) -> None:
    producer = Producer(on_moto, on_moto.create_stream(4))
    consumer = Consumer(producer.stream, producer.start("TRIM_HORIZON"))
    for _ in range(3):
        producer.put(700)
        consumer.read()
    consumer.drain()
    assert consumer.bodies == producer.ledger
    assert all(in_order(table) for _, _, table in consumer.batches)


def test_latest_begins_after_what_is_there_and_misses_nothing_that_follows(on_moto: EmulatedKinesis) -> None:
    producer = Producer(on_moto, on_moto.create_stream(2))
    producer.put(50)
    time.sleep(0.01)
    start = producer.start("LATEST")
    # Put before the first read: a start that were resolved by that read would miss these.
    followed = producer.put(50)
    assert Consumer(producer.stream, start).drain().bodies == Counter(followed)


def test_an_instant_begins_with_the_first_record_that_arrived_then_or_later(on_moto: EmulatedKinesis) -> None:
    producer = Producer(on_moto, on_moto.create_stream(2))
    producer.put(50)
    time.sleep(0.01)
    instant = datetime.now(UTC).isoformat()
    followed = producer.put(50)
    assert Consumer(producer.stream, producer.start(instant)).drain().bodies == Counter(followed)


def test_an_idle_stream_gives_the_same_offset_and_no_rows(on_moto: EmulatedKinesis) -> None:
    producer = Producer(on_moto, on_moto.create_stream(2))
    consumer = Consumer(producer.stream, producer.start("LATEST"))
    for _ in range(3):
        assert consumer.read().num_rows == 0
    assert consumer.batches == []


@pytest.mark.parametrize("bound", [7, 100, 999])
def test_a_batch_holds_no_more_records_than_it_may(fake: FakeKinesis, bound: int) -> None:
    for number in (1, 2):
        fake.put(fake.add_shard(number), [b"%d-%d" % (number, i) for i in range(500)])
    consumer = Consumer(
        STREAM,
        everywhere("TRIM_HORIZON", list(fake.shards)),
        maxRecordsPerBatch=bound,
    ).drain(500)
    assert consumer.bodies == fake.ledger()
    assert max(table.num_rows for _, _, table in consumer.batches) == bound


def test_a_batch_holds_no_more_bytes_than_it_may_and_the_rest_of_a_page_is_kept(fake: FakeKinesis) -> None:
    for number in (1, 2, 3):
        fake.put(fake.add_shard(number), [b"%d-%03d" % (number, i) + b"x" * 995 for i in range(100)])
    consumer = Consumer(
        STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), maxBytesPerBatch=20_500
    ).drain()
    assert consumer.bodies == fake.ledger()
    assert {table.num_rows for _, _, table in consumer.batches} <= set(range(1, 22))
    assert len(set(consumer.batches[0][2].column("shardId").to_pylist())) == 3
    # Each shard's records came in one page, and none was asked for twice.
    assert fake.count("GetRecords", "shardId-000000000002") <= 2 + len(consumer.batches)
    assert all(in_order(table) for _, _, table in consumer.batches)


def test_the_rest_of_a_closed_shards_last_page_comes_before_its_children(fake: FakeKinesis) -> None:
    fake.put("shardId-000000000000", [b"%02d" % i + b"x" * 998 for i in range(10)])
    fake.put(fake.add_shard(1, (0,)), [b"child"])
    start = everywhere("TRIM_HORIZON", ["shardId-000000000000"])
    consumer = Consumer(STREAM, start, maxBytesPerBatch=3_000).drain()
    assert consumer.bodies == fake.ledger()
    assert bodies(consumer.batches[-1][2])[-1] == b"child"
    assert len(consumer.batches) >= 4


def test_a_record_larger_than_the_bound_is_read_alone(fake: FakeKinesis) -> None:
    fake.put("shardId-000000000000", [b"a" * 5000, b"b" * 5000, b"c" * 5000])
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), maxBytesPerBatch=1000).drain()
    assert [bodies(table) for _, _, table in consumer.batches] == [
        [b"a" * 5000],
        [b"b" * 5000],
        [b"c" * 5000],
    ]


def test_a_bounded_batch_takes_from_every_shard(fake: FakeKinesis) -> None:
    for number in (1, 2, 3):
        fake.put(fake.add_shard(number), [b"x" * 100] * 2000)
    table = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), maxRecordsPerBatch=900).read()
    counts = Counter(table.column("shardId").to_pylist())
    assert table.num_rows == 900
    assert min(counts.values()) >= 200


def test_a_batch_with_fresh_records_does_not_wait_to_be_filled(fake: FakeKinesis) -> None:
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)))
    consumer.read()
    fake.put("shardId-000000000000", [b"fresh"])
    started = time.monotonic()
    assert consumer.read().num_rows == 1
    assert time.monotonic() - started < 0.3


def test_a_lagging_shard_is_read_on_until_the_batch_is_full(fake: FakeKinesis) -> None:
    fake.page_cap = 100
    fake.put("shardId-000000000000", [b"%d" % i for i in range(1000)], age_seconds=60)
    consumer = Consumer(
        STREAM,
        everywhere("TRIM_HORIZON", list(fake.shards)),
        maxRecordsPerBatch=650,
    )
    assert consumer.read().num_rows == 650
    assert consumer.read().num_rows == 350


def test_reading_a_lagging_stream_stops_when_its_time_is_up(fake: FakeKinesis) -> None:
    fake.page_cap = 1
    consumer = Consumer(
        STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), maxFetchSeconds=1.2, getRecordsPerSecond=5
    )
    consumer.read()
    fake.put("shardId-000000000000", [b"%d" % i for i in range(100)], age_seconds=60)
    started = time.monotonic()
    table = consumer.read()
    assert time.monotonic() - started < 1.7
    assert 5 <= table.num_rows <= 11


def test_a_shard_is_asked_at_most_five_times_in_any_second(fake: FakeKinesis) -> None:
    fake.add_shard(1)
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), getRecordsPerSecond=5)
    for _ in range(1000):
        consumer.read()
        called = [
            [at for at, name, on in fake.calls if (name, on) == ("GetRecords", shard)]
            for shard in fake.shards
        ]
        if all(len(times) > 10 for times in called):
            break
    for times in called:
        assert len(times) > 10
        assert all(later - earlier > 0.9 for earlier, later in zip(times, times[5:], strict=False))


def test_shards_are_read_at_the_same_time(fake: FakeKinesis) -> None:
    for number in range(1, 8):
        fake.add_shard(number)
    slow = 0.2
    answer = fake._records
    fake._records = lambda body: (time.sleep(slow), answer(body))[1]  # type: ignore[method-assign,func-returns-value]
    fake._lock = _NoLock()  # type: ignore[assignment]
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), threads=8)
    started = time.monotonic()
    consumer.read()
    assert time.monotonic() - started < 8 * slow * 0.8


class _NoLock:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        pass


def test_a_reader_goes_on_from_any_offset_it_is_given(fake: FakeKinesis) -> None:
    fake.put("shardId-000000000000", [b"%d" % i for i in range(10)])
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), maxRecordsPerBatch=4)
    first = consumer.read()
    consumer.read()
    consumer.offset = consumer.batches[0][0]
    assert consumer.read().equals(first)


def test_columns_and_types_do_not_depend_on_there_being_rows(fake: FakeKinesis) -> None:
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)))
    idle = consumer.read()
    fake.put("shardId-000000000000", [b""])
    assert consumer.read().schema == idle.schema
    assert idle.schema.field("approximateArrivalTimestamp").type == pa.timestamp("us", tz="UTC")


def test_progress_is_written_whole(fake: FakeKinesis, tmp_path: Path) -> None:
    consumer = Consumer(
        STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), tmp_path / "deep" / "progress.json"
    )
    consumer.read()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["progress.json"]
    assert consumer.progress()["records"] == 0
