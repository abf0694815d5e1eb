"""Records that left the stream unread are noticed; a shard that was merely idle raises no alarm."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.instants import from_iso, iso, now
from jobs.sources.kinesis.errors import ExpiredShard, ReplayFailed, TrimmedPosition
from jobs.sources.kinesis.offsets import Offset, at, lost_in
from jobs.sources.kinesis.options import Options
from tests.sources.fake_kinesis import STREAM, FakeKinesis, Fault
from tests.sources.reading import Consumer, bodies, everywhere

FIRST = "shardId-000000000000"
DAY = 86_400.0


def _start(fake: FakeKinesis) -> Offset:
    return everywhere("TRIM_HORIZON", list(fake.shards))


def _read_some(fake: FakeKinesis, progress: Path | None = None, age_seconds: float = 0.0) -> Offset:
    """Reads the first three records of a shard; returns where it stands then."""
    fake.put(FIRST, [b"a", b"b", b"c"], age_seconds)
    consumer = Consumer(STREAM, _start(fake), progress).drain()
    assert consumer.bodies.total() == 3
    return consumer.offset


def _days_later(progress: Path, days: float) -> None:
    """Makes the side file as old as if the job had been down since."""
    report: dict[str, Any] = json.loads(progress.read_text())
    for shard in report["shards"].values():
        shard["known"] = [
            (position, iso(from_iso(read_to) - timedelta(days=days)) if read_to else None)
            for position, read_to in shard["known"]
        ]
    progress.write_text(json.dumps(report))


def test_a_shard_that_expired_unread_is_an_error_that_names_shard_and_position(fake: FakeKinesis) -> None:
    offset = _read_some(fake)
    fake.put(FIRST, [b"unread"])
    fake.put(fake.add_shard(1, (0,)), [b"child"])
    fake.shards[FIRST].listed = False
    with pytest.raises(
        ExpiredShard, match=rf"{FIRST} after position {offset[FIRST]}.*fail_on_data_loss=false"
    ):
        Consumer(STREAM, offset).read()


def test_a_shard_that_expired_unread_is_passed_over_where_conf_says_so(
    fake: FakeKinesis, tmp_path: Path
) -> None:
    offset = _read_some(fake)
    fake.put(FIRST, [b"unread"])
    fake.put(fake.add_shard(1, (0,)), [b"child"])
    fake.shards[FIRST].listed = False
    consumer = Consumer(STREAM, offset, tmp_path / "p.json", failOnDataLoss="false").drain()
    assert list(consumer.bodies) == [b"child"]
    assert list(consumer.offset) == ["shardId-000000000001"]
    assert "no longer holds" in consumer.progress()["losses"][0]
    assert lost_in(consumer.logged[1]) == {FIRST: {"after": offset[FIRST], "to": "SHARD_END"}}


def test_a_shard_that_came_and_expired_while_nobody_read_is_noticed_by_its_children(
    fake: FakeKinesis,
) -> None:
    offset = _read_some(fake)
    fake.put(fake.add_shard(1, (0,)), [b"unread"])
    fake.add_shard(2, (1,))
    fake.shards[FIRST].listed = False
    fake.shards["shardId-000000000001"].listed = False
    ended: Offset = {FIRST: "SHARD_END"}
    with pytest.raises(ExpiredShard, match="shardId-000000000001 after position TRIM_HORIZON"):
        Consumer(STREAM, ended).read()
    with pytest.raises(ExpiredShard, match=FIRST):
        Consumer(STREAM, offset).read()
    consumer = Consumer(STREAM, ended, failOnDataLoss="false").drain()
    assert list(consumer.offset) == ["shardId-000000000002"]
    assert lost_in(consumer.logged[1]) == {
        "shardId-000000000001": {"after": "TRIM_HORIZON", "to": "SHARD_END"}
    }


def test_a_shard_that_expires_under_the_reader_is_noticed(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"a", b"b"])
    consumer = Consumer(STREAM, _start(fake), maxRecordsPerBatch=1)
    consumer.read()
    fake.shards[FIRST].listed = False
    with pytest.raises(ExpiredShard):
        consumer.drain()


def test_ended_shards_are_forgotten_and_their_children_not_read_again(fake: FakeKinesis) -> None:
    consumer = Consumer(STREAM, _start(fake))
    sizes = []
    for number in range(1, 25):
        fake.put(list(fake.shards)[-1], [b"%d" % number])
        fake.add_shard(number, (number - 1,))
        consumer.read()
        consumer.reader._engine._listed_until = 0.0  # type: ignore[union-attr]
        for shard in list(fake.shards.values())[:-2]:
            shard.listed = False
        sizes.append(len(consumer.offset))
    assert consumer.drain().bodies == fake.ledger()
    assert max(sizes) <= 4


def test_nothing_is_pruned_that_a_waiting_child_still_needs(fake: FakeKinesis) -> None:
    other = fake.add_shard(1)
    fake.put(other, [b"%d" % i for i in range(5)])
    fake.put(fake.add_shard(2, (0, 1)), [b"child"])
    consumer = Consumer(STREAM, everywhere("TRIM_HORIZON", [FIRST, other]), maxRecordsPerBatch=1)
    consumer.read()
    assert consumer.offset[FIRST] == "SHARD_END"
    fake.shards[FIRST].listed = False
    consumer.reader._engine._listed_until = 0.0  # type: ignore[union-attr]
    assert consumer.drain().bodies == fake.ledger()
    assert list(consumer.offset) == [other, "shardId-000000000002"]


def test_unread_records_trimmed_while_nobody_read_are_an_error(fake: FakeKinesis) -> None:
    offset = _read_some(fake, age_seconds=2 * DAY)
    fake.put(FIRST, [b"lost"], age_seconds=1.5 * DAY)
    fake.put(FIRST, [b"left"])
    fake.trim(FIRST, 4)
    with pytest.raises(
        TrimmedPosition, match=rf"{FIRST} of stream fake: records after position {offset[FIRST]}"
    ):
        Consumer(STREAM, offset).read()


def test_unread_records_trimmed_are_passed_over_where_conf_says_so(fake: FakeKinesis, tmp_path: Path) -> None:
    offset = _read_some(fake, age_seconds=2 * DAY)
    fake.put(FIRST, [b"lost"], age_seconds=1.5 * DAY)
    fake.put(FIRST, [b"left"])
    fake.trim(FIRST, 4)
    consumer = Consumer(STREAM, offset, tmp_path / "p.json", failOnDataLoss="false").drain()
    assert list(consumer.bodies) == [b"left"]
    assert "may be lost" in consumer.progress()["losses"][0]


def test_a_loss_is_in_the_offset_of_the_batch_that_passes_it_over_and_in_no_later_one(
    fake: FakeKinesis,
) -> None:
    offset = _read_some(fake, age_seconds=2 * DAY)
    fake.put(FIRST, [b"lost"], age_seconds=1.5 * DAY)
    fake.put(FIRST, [b"left"])
    fake.trim(FIRST, 4)
    consumer = Consumer(STREAM, offset, failOnDataLoss="false").drain()
    fake.put(FIRST, [b"next"])
    consumer.drain()
    lost, horizon = lost_in(consumer.logged[1])[FIRST], now() - timedelta(days=1)
    assert lost["after"] == offset[FIRST]
    assert abs(from_iso(lost["to"]["at"]) - horizon) < timedelta(minutes=2)  # type: ignore[index]
    assert [lost_in(logged) for logged in consumer.logged[2:]] == [{}]
    assert list(consumer.bodies) == [b"left", b"next"]
    assert bodies(consumer.again(0)) == [b"left"], "as Spark replays it, from the logged offsets"


def test_a_loss_is_logged_also_where_nothing_is_left_to_read(fake: FakeKinesis) -> None:
    offset = _read_some(fake, age_seconds=2 * DAY)
    fake.put(FIRST, [b"lost"], age_seconds=1.5 * DAY)
    fake.trim(FIRST, 4)
    consumer = Consumer(STREAM, offset, failOnDataLoss="false")
    for _ in range(3):
        assert consumer.read().num_rows == 0
    assert [list(lost_in(logged)) for logged in consumer.logged] == [[], [FIRST]]
    assert consumer.offset == offset


def test_a_shard_that_fails_before_it_is_read_is_not_lost_once_more_with_every_attempt(
    fake: FakeKinesis,
) -> None:
    offset: Offset = {FIRST: at(now() - timedelta(days=2))}
    fake.faults.append(Fault("GetRecords", "InternalFailure", 3, status=500))
    consumer = Consumer(STREAM, offset, failOnDataLoss="false").drain()
    assert [list(lost_in(logged)) for logged in consumer.logged] == [[], [FIRST]]


def test_a_position_whose_record_is_still_there_is_proof_enough(fake: FakeKinesis) -> None:
    offset = _read_some(fake, age_seconds=0.9 * DAY)
    fake.put(FIRST, [b"next"])
    assert list(Consumer(STREAM, offset).drain().bodies) == [b"next"]


def test_an_idle_shard_whose_last_record_is_gone_is_no_loss(fake: FakeKinesis, tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"
    offset = _read_some(fake, progress, age_seconds=3 * DAY)
    fake.trim(FIRST, 3)
    assert Consumer(STREAM, offset, progress).drain().batches == []
    fake.put(FIRST, [b"next"])
    assert list(Consumer(STREAM, offset, progress).drain().bodies) == [b"next"]


def test_an_idle_shard_without_any_evidence_is_not_taken_for_a_whole_one(fake: FakeKinesis) -> None:
    offset = _read_some(fake, age_seconds=3 * DAY)
    fake.trim(FIRST, 3)
    with pytest.raises(TrimmedPosition, match="nothing shows how far it was read"):
        Consumer(STREAM, offset).read()


def test_a_job_that_was_down_for_longer_than_the_retention_period_is_an_error(
    fake: FakeKinesis, tmp_path: Path
) -> None:
    progress = tmp_path / "progress.json"
    offset = _read_some(fake, progress, age_seconds=3 * DAY)
    _days_later(progress, 1.1)
    fake.trim(FIRST, 3)
    with pytest.raises(TrimmedPosition, match="for certain"):
        Consumer(STREAM, offset, progress).read()


def test_a_longer_retention_period_makes_the_same_pause_harmless(fake: FakeKinesis, tmp_path: Path) -> None:
    fake.retention_hours = 72
    progress = tmp_path / "progress.json"
    offset = _read_some(fake, progress, age_seconds=4 * DAY)
    _days_later(progress, 1.1)
    fake.trim(FIRST, 3)
    assert Consumer(STREAM, offset, progress).drain().batches == []


def test_evidence_of_a_later_position_says_nothing_about_an_earlier_one(
    fake: FakeKinesis, tmp_path: Path
) -> None:
    progress = tmp_path / "progress.json"
    fake.put(FIRST, [b"a", b"b", b"c"], age_seconds=3 * DAY)
    consumer = Consumer(STREAM, _start(fake), progress, maxRecordsPerBatch=1).drain()
    after_first = consumer.batches[0][1]
    fake.trim(FIRST, 3)
    with pytest.raises(TrimmedPosition):
        Consumer(STREAM, after_first, progress).read()


def test_records_trimmed_under_a_reader_that_lags_too_far_are_an_error(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"%d" % i for i in range(10)], age_seconds=1.1 * DAY)
    consumer = Consumer(STREAM, _start(fake), maxRecordsPerBatch=3)
    consumer.read()
    fake.trim(FIRST, 2)
    consumer.read()
    fake.trim(FIRST, 8)
    with pytest.raises(TrimmedPosition):
        consumer.read()


def test_an_instant_that_fell_out_of_the_stream_is_an_error_unless_the_shard_was_watched(
    fake: FakeKinesis, tmp_path: Path
) -> None:
    progress = tmp_path / "progress.json"
    offset: Offset = {FIRST: at(now() - timedelta(hours=23))}
    Consumer(STREAM, offset, progress).drain()
    fake.retention_hours = 20
    assert Consumer(STREAM, offset, progress).drain().batches == []
    with pytest.raises(TrimmedPosition):
        Consumer(STREAM, offset).read()


def test_a_batch_whose_beginning_was_trimmed_is_not_replayed_short(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"%d" % i for i in range(6)], age_seconds=1.1 * DAY)
    consumer = Consumer(STREAM, _start(fake), maxRecordsPerBatch=3).drain()
    fake.trim(FIRST, 4)
    with pytest.raises(TrimmedPosition):
        consumer.again(1)
    consumer.reader.options = _lossy(consumer)
    assert bodies(consumer.again(1)) == [b"4", b"5"]


def test_a_batch_whose_end_was_trimmed_is_not_replayed_short(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"%d" % i for i in range(6)])
    consumer = Consumer(STREAM, _start(fake), maxRecordsPerBatch=3).drain()
    fake.trim(FIRST, 4)
    with pytest.raises(ReplayFailed, match="record is gone"):
        consumer.again(0)
    consumer.reader.options = _lossy(consumer)
    assert bodies(consumer.again(0)) == []


def test_a_batch_of_an_expired_shard_is_not_replayed_short(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"x"])
    consumer = Consumer(STREAM, _start(fake)).drain()
    fake.shards[FIRST].listed = False
    with pytest.raises(ReplayFailed, match="no longer has the shard"):
        consumer.again(0)


def test_an_idle_shard_in_the_batch_before_does_not_stop_a_replay(fake: FakeKinesis, tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"
    before = _read_some(fake, progress, age_seconds=3 * DAY)
    fake.trim(FIRST, 3)
    fake.put(FIRST, [b"next"])
    consumer = Consumer(STREAM, before, progress)
    consumer.read()
    restarted = Consumer(STREAM, before, progress)
    restarted.batches = consumer.batches
    assert bodies(restarted.again(0)) == [b"next"]


def _lossy(consumer: Consumer) -> Options:
    return replace(consumer.reader.options, fail_on_data_loss=False)
