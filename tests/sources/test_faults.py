"""Kinesis failing: passing faults cost time, never rows; lasting ones end in one clear error."""

import time
from itertools import pairwise

import pytest

from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.errors import KinesisUnavailable, StreamMissing
from jobs.sources.kinesis.offsets import Offset
from tests.sources.fake_kinesis import HANG_UP, STREAM, FakeKinesis, Fault
from tests.sources.reading import Consumer, everywhere

FIRST = "shardId-000000000000"
SECOND = "shardId-000000000001"


def _start(fake: FakeKinesis) -> Offset:
    return everywhere("TRIM_HORIZON", list(fake.shards))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GetRecords", "ProvisionedThroughputExceededException", 3),
        Fault("GetRecords", "LimitExceededException", 3),
        Fault("GetRecords", "KMSThrottlingException", 3),
        Fault("GetRecords", "InternalFailure", 3, status=500),
        Fault("GetRecords", "ServiceUnavailable", 3, status=503),
        Fault("GetRecords", "Anything", 3, status=502),
        Fault("GetRecords", "no answer", 3, status=HANG_UP),
        Fault("GetShardIterator", "ProvisionedThroughputExceededException", 3),
        Fault("GetShardIterator", "InternalFailure", 2, status=500),
        Fault("ListShards", "LimitExceededException", 1),
        Fault("ListShards", "ResourceInUseException", 1),
        Fault("ListShards", "ExpiredNextTokenException", 1),
        Fault("GetRecords", "ExpiredIteratorException", 3),
        Fault("ListShards", "no answer", 1, status=HANG_UP),
    ],
    ids=lambda fault: f"{fault.operation}-{fault.code}",
)
def test_a_passing_fault_loses_and_repeats_nothing(fake: FakeKinesis, fault: Fault) -> None:
    fake.add_shard(1)
    for shard in fake.shards:
        fake.put(shard, [f"{shard}-{i}".encode() for i in range(50)])
    fake.faults.append(fault)
    consumer = Consumer(STREAM, _start(fake), maxRecordsPerBatch=30)
    assert consumer.drain().bodies == fake.ledger()
    assert fault.times == 0


def test_a_failing_shard_does_not_hold_up_the_rows_of_another(fake: FakeKinesis) -> None:
    fake.put(fake.add_shard(1), [b"fine"])
    fake.put(FIRST, [b"late"])
    consumer = Consumer(STREAM, _start(fake))
    fault = Fault("GetRecords", "ProvisionedThroughputExceededException", 2, shard=FIRST)
    fake.faults.append(fault)
    assert consumer.read().column("data").to_pylist() == [b"fine"]
    assert fault.times == 1
    assert consumer.offset[FIRST] == "TRIM_HORIZON"
    assert consumer.drain().bodies == fake.ledger()


def test_failures_are_retried_later_and_later(fake: FakeKinesis) -> None:
    fake.faults.append(Fault("GetRecords", "ProvisionedThroughputExceededException", 3))
    consumer = Consumer(STREAM, _start(fake))
    fake.put(FIRST, [b"x"])
    until = time.monotonic() + 20
    while not consumer.bodies and time.monotonic() < until:
        consumer.read()
    times = [at for at, operation, _ in fake.calls if operation == "GetRecords"]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert [gap >= least for gap, least in zip(gaps, (0.25, 0.5, 1.0), strict=True)] == [True] * 3


def test_faults_that_last_end_in_an_error_that_names_the_shard(fake: FakeKinesis) -> None:
    fake.faults.append(Fault("GetRecords", "InternalFailure", 1000, status=500))
    consumer = Consumer(STREAM, _start(fake), retryAttempts=3)
    with pytest.raises(
        KinesisUnavailable, match=rf"{FIRST} of stream fake .* InternalFailure 3 times"
    ) as raised:
        consumer.drain()
    assert "\n" not in str(raised.value)


def test_many_passing_faults_wear_out_no_retries(fake: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    api = StreamApi(STREAM, None, 3, 1)
    api.connect()
    for _ in range(100):
        fault = Fault("ListShards", "LimitExceededException", 2)
        fake.faults.append(fault)
        assert list(api.shards()) == [FIRST]
        assert fault.times == 0


@pytest.mark.parametrize(
    ("operation", "code", "remedy"),
    [
        ("GetRecords", "AccessDeniedException", "the role needs kinesis:GetRecords, "),
        ("ListShards", "AccessDeniedException", "the role needs kinesis:GetRecords, "),
        ("GetRecords", "ExpiredTokenException", "renew or correct the credentials"),
        ("GetRecords", "KMSAccessDeniedException", "kms:Decrypt"),
        ("GetShardIterator", "InvalidArgumentException", "run jobs.doctor"),
    ],
)
def test_a_refusal_says_what_to_do(fake: FakeKinesis, operation: str, code: str, remedy: str) -> None:
    fake.faults.append(Fault(operation, code, 1000))
    with pytest.raises(KinesisUnavailable, match=f"refused {operation} on stream fake .{code}.: .*{remedy}"):
        Consumer(STREAM, _start(fake)).read()
    assert fake.count(operation) == 1


def test_a_refusal_is_not_retried(fake: FakeKinesis) -> None:
    fake.faults.append(Fault("GetRecords", "AccessDeniedException", 1000))
    with pytest.raises(
        KinesisUnavailable, match=r"refused GetRecords on stream fake \(AccessDeniedException\)"
    ):
        Consumer(STREAM, _start(fake)).read()
    assert fake.count("GetRecords") == 1


def test_after_an_error_the_same_reader_reads_on_without_a_gap(fake: FakeKinesis) -> None:
    fake.put(fake.add_shard(1), [b"%d" % i for i in range(20)])
    fake.put(FIRST, [b"first"])
    fake.faults.append(Fault("GetRecords", "AccessDeniedException", 1, shard=FIRST))
    consumer = Consumer(STREAM, _start(fake))
    with pytest.raises(KinesisUnavailable):
        consumer.read()
    assert consumer.drain().bodies == fake.ledger()


def test_an_expired_iterator_is_replaced_from_the_last_position(fake: FakeKinesis) -> None:
    consumer = Consumer(STREAM, _start(fake), maxRecordsPerBatch=10)
    for round_ in range(3):
        fake.put(FIRST, [b"%d-%d" % (round_, i) for i in range(25)])
        consumer.read()
        fake.expire_iterators()
    assert consumer.drain().bodies == fake.ledger()


def test_empty_pages_with_lag_are_no_end(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"far"])
    fake.shards[FIRST].empty_pages = 8
    consumer = Consumer(STREAM, _start(fake))
    assert consumer.read().num_rows == 1


def test_no_lag_with_records_unread_only_delays_them(fake: FakeKinesis) -> None:
    fake.lag_is_always_zero = True
    fake.page_cap = 10
    fake.put(FIRST, [b"%d" % i for i in range(45)])
    assert Consumer(STREAM, _start(fake)).drain().bodies == fake.ledger()


def test_a_reader_whose_shards_all_fail_waits_between_its_polls(fake: FakeKinesis) -> None:
    consumer = Consumer(STREAM, _start(fake))
    fake.faults.append(Fault("GetRecords", "InternalFailure", 5, status=500))
    consumer.read()
    started = time.monotonic()
    for _ in range(3):
        consumer.read()
    assert time.monotonic() - started > 0.3


def test_a_stream_deleted_under_the_reader_is_named(fake: FakeKinesis) -> None:
    consumer = Consumer(STREAM, _start(fake))
    consumer.read()
    fake.faults += [
        Fault("GetRecords", "ResourceNotFoundException", 1000),
        Fault("ListShards", "ResourceNotFoundException", 1000),
    ]
    with pytest.raises(StreamMissing, match="no Kinesis stream fake"):
        consumer.drain()


def test_nobody_to_talk_to_is_said_in_one_line(fake: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:9")
    with pytest.raises(
        KinesisUnavailable, match=r"stream fake in 2 attempts \(EndpointConnectionError\): start again"
    ):
        Consumer(STREAM, _start(fake), retryAttempts=2).read()


def test_an_endpoint_that_is_no_url_is_said_in_one_line(
    fake: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", "localhost:4566")
    with pytest.raises(KinesisUnavailable, match="Invalid endpoint"):
        Consumer(STREAM, _start(fake)).read()


def test_no_credentials_are_said_in_one_line(fake: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(KinesisUnavailable, match="No AWS credentials"):
        Consumer(STREAM, _start(fake)).read()
