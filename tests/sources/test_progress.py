"""The side file: lag, and whether all that the stream held at an instant has been read."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.instants import iso, now
from jobs.sinks.storage import open_storage
from jobs.sources.kinesis.errors import SourceError
from jobs.sources.kinesis.progress import (
    KEPT_PROGRESS,
    SETTLE,
    caught_up,
    keep_progress,
    read_progress,
    restore_progress,
    write_progress,
)
from tests.emulators import EmulatedKinesis
from tests.sources.fake_kinesis import STREAM, FakeKinesis, Fault
from tests.sources.reading import Consumer, Producer, everywhere

FIRST = "shardId-000000000000"


def _consumer(fake: FakeKinesis, **options: object) -> Consumer:
    return Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), **options)  # type: ignore[arg-type]


def test_lag_is_that_of_the_worst_shard(fake: FakeKinesis) -> None:
    fake.add_shard(1)
    fake.put(FIRST, [b"x"] * 5)
    consumer = _consumer(fake, maxRecordsPerBatch=2)
    consumer.read()
    assert consumer.progress()["lagMs"] == 60_000
    assert consumer.progress()["shards"]["shardId-000000000001"]["lagMs"] == 0
    consumer.drain()
    assert consumer.progress()["lagMs"] == 0


def test_nothing_read_yet_is_not_caught_up() -> None:
    assert not caught_up(None, now())


def test_caught_up_once_an_empty_page_followed_and_the_batches_before_it_are_done(
    on_moto: EmulatedKinesis,
) -> None:
    producer = Producer(on_moto, on_moto.create_stream(3))
    producer.put(100)
    consumer = Consumer(producer.stream, producer.start("TRIM_HORIZON"))
    since = now() - SETTLE
    consumer.read()
    assert consumer.bodies == producer.ledger
    assert not caught_up(consumer.progress(), since)
    consumer.read()
    assert consumer.progress()["readTo"] >= iso(since + SETTLE)
    assert not caught_up(consumer.progress(), since)
    consumer.read()
    assert caught_up(consumer.progress(), since)


def test_what_was_read_before_the_instant_proves_nothing_about_it(fake: FakeKinesis) -> None:
    consumer = _consumer(fake)
    for _ in range(3):
        consumer.read()
    assert not caught_up(consumer.progress(), now())


def test_a_record_acknowledged_just_before_the_instant_gets_a_moment_to_become_visible(
    fake: FakeKinesis,
) -> None:
    began = now()
    consumer = _consumer(fake)
    for _ in range(3):
        last_read = now()
        consumer.read()
    assert not caught_up(consumer.progress(), last_read)
    assert caught_up(consumer.progress(), began - SETTLE)


def test_no_lag_with_records_unread_is_not_caught_up(fake: FakeKinesis) -> None:
    fake.lag_is_always_zero = True
    fake.page_cap = 10
    fake.put(FIRST, [b"%d" % i for i in range(25)])
    since = now() - SETTLE
    consumer = _consumer(fake)
    while not caught_up(consumer.progress() if consumer.batches else None, since):
        consumer.read()
    assert consumer.bodies == fake.ledger()


def test_rows_of_a_batch_that_is_not_done_are_not_caught_up(fake: FakeKinesis) -> None:
    """A record from after the instant shows that all before it was read, but only the next read that it's done."""
    since = now()
    consumer = _consumer(fake)
    fake.put(FIRST, [b"from after the instant"], age_seconds=-20)
    consumer.read()
    assert not caught_up(consumer.progress(), since)
    fake.put(FIRST, [b"and another"], age_seconds=-20)
    consumer.read()
    assert consumer.progress()["records"] == 1
    assert caught_up(consumer.progress(), since)


def test_a_child_that_waits_for_a_parent_is_not_caught_up(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"%d" % i for i in range(3)], age_seconds=-20)
    consumer = _consumer(fake, maxRecordsPerBatch=1)
    fake.put(fake.add_shard(1, (0,)), [b"child"], age_seconds=-20)
    since = now()
    consumer.read()
    consumer.read()
    assert consumer.progress()["pending"] == ["shardId-000000000001"]
    assert not caught_up(consumer.progress(), since)
    consumer.drain()
    assert consumer.bodies == fake.ledger()
    assert consumer.progress()["pending"] == []


def test_a_shard_that_fails_is_not_caught_up(fake: FakeKinesis) -> None:
    fake.add_shard(1)
    fake.faults.append(Fault("GetRecords", "InternalFailure", 3, status=500, shard=FIRST))
    since = now() - SETTLE
    consumer = _consumer(fake)
    consumer.read()
    assert not caught_up(consumer.progress(), since)
    consumer.drain()
    assert caught_up(consumer.progress(), since)


def test_a_stream_all_of_whose_shards_ended_is_caught_up(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"last"])
    fake.shards[FIRST].closed = True
    since = now() - SETTLE
    consumer = _consumer(fake)
    for _ in range(3):
        consumer.read()
    assert caught_up(consumer.progress(), since)
    assert consumer.progress()["lagMs"] == 0


def test_progress_is_kept_beside_the_checkpoint_and_restored(fake: FakeKinesis, tmp_path: Path) -> None:
    checkpoint = open_storage(str(tmp_path / "checkpoint"))
    path = tmp_path / "elsewhere" / "progress.json"
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", list(fake.shards)), path)
    keep_progress(checkpoint, path)
    assert not checkpoint.exists(KEPT_PROGRESS)
    for _ in range(2):
        consumer.read()
        keep_progress(checkpoint, path)
    newest = consumer.progress()
    path.unlink()
    restore_progress(checkpoint, path)
    assert read_progress(path) == newest


def test_a_side_file_of_another_run_is_removed_where_the_checkpoint_has_none(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    write_progress(str(path), {"readTo": "2026-03-01T00:00:00Z"})
    restore_progress(open_storage(str(tmp_path / "checkpoint")), path)
    assert read_progress(path) is None


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        SourceError, match=r"progress\.json can't be written \(.+\): see to the disk, then go on$"
    ):
        write_progress(str(tmp_path / "file" / "progress.json"), {})


@pytest.mark.parametrize(
    "body",
    [b"half a fi", b"[]", b'{"shards":[]}', b'{"shards":{"a":{}}}', b'{"shards":{"a":{"known":[["1",7]]}}}'],
)
def test_damaged_progress_in_the_checkpoint_is_said(tmp_path: Path, body: bytes) -> None:
    checkpoint = open_storage(str(tmp_path / "checkpoint"))
    checkpoint.put(KEPT_PROGRESS, body)
    with pytest.raises(SourceError, match="isn't what the job keeps there: delete it and start again"):
        restore_progress(checkpoint, tmp_path / "progress.json")


def test_progress_that_cannot_be_kept_does_not_stop_the_job(fake: FakeKinesis, tmp_path: Path) -> None:
    consumer = _consumer(fake)
    consumer.read()
    (tmp_path / "checkpoint").write_text("a file where the directory should be")
    keep_progress(open_storage(str(tmp_path / "checkpoint")), consumer.progress_file)


def test_read_to_is_never_later_than_the_file(fake: FakeKinesis) -> None:
    consumer = _consumer(fake)
    consumer.read()
    consumer.read()
    report = consumer.progress()
    assert report["readTo"] <= report["time"]
    assert now() - timedelta(seconds=30) < consumer.reader._engine._read_to  # type: ignore[union-attr,operator]
