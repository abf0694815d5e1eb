"""Catching up says what may have left the stream unread, and raises no alarm over what was merely quiet."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from jobs.backfill.coverage import Edge, Range
from jobs.backfill.steps import Step
from jobs.batch import Batch
from jobs.instants import from_iso, now
from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.bounded import StretchReader
from jobs.sources.kinesis.errors import ExpiredShard, TrimmedPosition
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON
from jobs.sources.kinesis.options import Limits
from tests.backfill.streaming import FIRST, HOUR, SECOND, Archive, ago, archive, begun_job, put, unhurried
from tests.sources.conftest import fake
from tests.sources.fake_kinesis import STREAM, FakeKinesis

__all__ = ["archive", "fake", "unhurried"]


@pytest.fixture
def resigned(tmp_path: Path) -> Archive:
    """The same archive, where lost records don't end a run."""
    return Archive(tmp_path, fail_on_data_loss=False)


def caught_up(archive: Archive, run: str = "run") -> tuple[list[Step], list[str]]:
    """The steps of a run that catches up, and the shards of which it says that records may be lost."""
    with capture_logs() as logs:
        steps = list(archive.steps(archive.input(since=None, catch_up=True), run=run))
    return steps, [line["shard"] for line in logs if line["log_level"] == "warning"]


def ranges(steps: list[Step], shard: str = FIRST) -> list[tuple[Any, Any, int | None]]:
    """What the steps say they read of a shard."""
    found = [(step.source["shards"].get(shard), step.read) for step in steps]
    return [(moved["after"], moved["to"], read) for moved, read in found if moved]


def lost(steps: list[Step], shard: str = FIRST) -> list[tuple[Any, Any]]:
    """Between which positions the steps say that records of a shard are lost."""
    found = [step.source.get("lost", {}).get(shard) for step in steps]
    return [(moved["after"], moved["to"]) for moved in found if moved]


def assert_is_horizon(position: Any) -> None:
    """Whether it is the instant before which the stream holds nothing."""
    assert abs(from_iso(position["at"]) - (now() - timedelta(days=1))) < timedelta(minutes=2)


def expired(fake: FakeKinesis, archive: Archive) -> str:
    """Ten records of the first shard, of which three were archived before all of them expired; the third's number."""
    numbers = put(fake, 10, 30 * HOUR)
    fake.trim(FIRST, 10)
    archive.covered(0, shard_0=(TRIM_HORIZON, numbers[2]))
    return numbers[2]


def test_of_a_quiet_shard_kinesis_cannot_tell_whether_anything_expired_so_a_warning_says_that_once(
    fake: FakeKinesis, archive: Archive
) -> None:
    expired(fake, archive)
    steps, warned = caught_up(archive)
    assert warned == [FIRST]
    assert [(after, read) for after, _, read in ranges(steps)] == [(TRIM_HORIZON, 0)]
    _, warned_again = caught_up(archive, "the next")
    assert warned_again == []


def test_a_quiet_shard_that_was_looked_at_since_the_horizon_raises_no_alarm(
    fake: FakeKinesis, archive: Archive
) -> None:
    put(fake, 10, 30 * HOUR)
    fake.trim(FIRST, 10)
    archive.covered(0, shard_0=({"at": ago(hours=40)}, {"at": ago(hours=3)}))
    assert caught_up(archive)[1] == []


def test_nor_does_what_arrives_in_it_after_that(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 10, 30 * HOUR)
    fake.trim(FIRST, 10)
    archive.covered(0, shard_0=({"at": ago(hours=40)}, {"at": ago(hours=3)}))
    put(fake, 2, HOUR)
    steps, warned = caught_up(archive)
    assert (sum(step.read or 0 for step in steps), warned) == (2, [])


def test_nor_does_a_shard_whose_last_record_is_still_there(fake: FakeKinesis, archive: Archive) -> None:
    numbers = put(fake, 10, HOUR)
    fake.trim(FIRST, 9)
    archive.covered(0, shard_0=(TRIM_HORIZON, numbers[-1]))
    assert caught_up(archive)[1] == []


def test_nor_does_a_shard_of_which_the_archive_holds_nothing(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 10, 30 * HOUR)
    fake.trim(FIRST, 10)
    assert caught_up(archive)[1] == []


def test_nor_does_a_shard_that_is_the_streaming_jobs(fake: FakeKinesis, archive: Archive) -> None:
    begun_job(archive, fake, {FIRST: expired(fake, archive)})
    assert caught_up(archive) == ([], [])


def test_a_closed_shard_that_expired_unread_is_an_error(
    fake: FakeKinesis, archive: Archive, resigned: Archive
) -> None:
    last = expired(fake, archive)
    put(fake, 3, HOUR, fake.add_shard(1, parents=(0,)))
    with pytest.raises(TrimmedPosition, match=rf"{FIRST}.*may have expired.*fail_on_data_loss"):
        caught_up(archive)
    steps, warned = caught_up(resigned)
    assert warned == [FIRST]
    assert ranges(steps) == [(TRIM_HORIZON, SHARD_END, 3)]
    ((after, to),) = lost(steps)
    assert after == last
    assert_is_horizon(to)
    steps, warned = caught_up(archive, "the next")
    assert (lost(steps), warned) == ([], [])


def test_a_shard_that_left_the_stream_unread_is_an_error(
    fake: FakeKinesis, archive: Archive, resigned: Archive
) -> None:
    last = expired(fake, archive)
    put(fake, 3, HOUR, fake.add_shard(1, parents=(0,)))
    fake.shards[FIRST].listed = False
    with pytest.raises(ExpiredShard, match=rf"{FIRST} after position {last}.*fail_on_data_loss"):
        caught_up(archive)
    steps, warned = caught_up(resigned)
    assert warned == [FIRST]
    assert ranges(steps) == [(last, SHARD_END, 0)]
    assert lost(steps) == [(last, SHARD_END)]
    assert sum(step.read or 0 for step in steps) == 3
    steps, warned = caught_up(archive, "the next")
    assert (ranges(steps), warned) == ([], [])


@pytest.mark.parametrize("to", [SHARD_END, {"at": ago(hours=20)}])
def test_one_that_was_read_to_its_end_is_none(fake: FakeKinesis, archive: Archive, to: Any) -> None:
    put(fake, 3, 30 * HOUR)
    archive.covered(0, shard_0=(TRIM_HORIZON, to))
    fake.add_shard(1, parents=(0,))
    fake.shards[FIRST].listed = False
    assert caught_up(archive)[1] == []


def test_one_that_is_the_streaming_jobs_is_left_to_its_own_alarm(fake: FakeKinesis, archive: Archive) -> None:
    begun_job(archive, fake, {FIRST: expired(fake, archive)})
    fake.add_shard(1, parents=(0,))
    fake.shards[FIRST].listed = False
    assert caught_up(archive) == ([], [])


def test_a_shard_that_was_born_and_archived_since_the_shards_were_listed_has_not_left(
    fake: FakeKinesis, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = put(fake, 3, 60, fake.add_shard(1))
    archive.covered(0, shard_1=(TRIM_HORIZON, numbers[-1]))
    fake.shards[SECOND].listed = False
    listing = fake._list

    def then_born(body: dict[str, Any]) -> Any:
        answer = listing(body)
        fake.shards[SECOND].listed = True
        return answer

    monkeypatch.setattr(fake, "_list", then_born)
    assert caught_up(archive)[1] == []


def test_windows_over_a_closed_shard_say_that_its_end_was_read_so_that_its_leaving_is_no_alarm(
    fake: FakeKinesis, archive: Archive
) -> None:
    put(fake, 6, 3 * HOUR)
    fake.add_shard(1, parents=(0,))
    steps = list(archive.steps(archive.input(since=ago(hours=4)), run="a"))
    assert [to for _, to, _ in ranges(steps)] == [SHARD_END]
    fake.shards[FIRST].listed = False
    assert caught_up(archive)[1] == []


def test_the_end_of_a_closed_shard_is_its_end_whatever_empty_pages_say_of_the_lag(fake: FakeKinesis) -> None:
    put(fake, 6, 3 * HOUR)
    fake.add_shard(1, parents=(0,))
    fake.lag_is_always_zero, fake.page_cap, fake.shards[FIRST].empty_pages = True, 4, 5
    limits = Limits(calls_per_second=100)
    api = StreamApi(STREAM, None, 3, 1)
    api.connect()
    read = StretchReader(api, limits, FIRST, TRIM_HORIZON, SHARD_END).read(100, 1 << 20)
    assert (read.records, read.to) == (6, SHARD_END)


def test_an_outage_longer_than_the_retention_is_seen_though_all_delivery_records_are_older(
    fake: FakeKinesis, archive: Archive
) -> None:
    numbers = put(fake, 10, 40 * HOUR)
    for number, shard in enumerate((FIRST, "shardId-000000000007")):
        moved = {shard: {"after": TRIM_HORIZON, "to": numbers[2]}}
        source = {"stream": STREAM if shard == FIRST else "another", "shards": moved}
        archive.deliver(Batch("stream", "q", number, ago(hours=40 - number)), source)
    fake.trim(FIRST, 10)
    put(fake, 2, HOUR)
    with pytest.raises(TrimmedPosition, match=f"archived up to {numbers[2]}"):
        caught_up(archive)


def test_a_window_all_of_which_expired_says_so(fake: FakeKinesis, archive: Archive) -> None:
    numbers = put(fake, 10, 30 * HOUR)
    fake.trim(FIRST, 10)
    put(fake, 2, HOUR)
    archive.covered(0, shard_0=(TRIM_HORIZON, numbers[2]))
    with pytest.raises(TrimmedPosition):
        list(archive.steps(archive.input(since=None, until=ago(hours=29), catch_up=True)))


def test_what_expired_between_two_batches_is_told_by_the_step_that_passes_it_over(
    fake: FakeKinesis, resigned: Archive
) -> None:
    numbers = put(fake, 10, 25 * HOUR)
    resigned.covered(0, shard_0=(TRIM_HORIZON, numbers[2]))
    resigned.covered(1, shard_0=(numbers[9], numbers[9]))
    fake.trim(FIRST, 6)
    source = resigned.input(since=ago(hours=23))
    api, limits = source._api()
    reader = StretchReader(api, limits, FIRST, numbers[2], numbers[9], fail_on_data_loss=False)
    stretch = reader.read(100, 1 << 20)
    assert (stretch.records, stretch.lost["after"]) == (4, numbers[2])
    gap = Range(Edge((int(numbers[2]), 0.0), numbers[2]), Edge((int(numbers[9]), 0.0), numbers[9]))
    step = source._step({FIRST: [gap]}, {FIRST: stretch}, {})
    ((after, to),) = lost([step])
    assert after == numbers[2]
    assert_is_horizon(to)


def test_an_earlier_stream_of_the_same_name_covers_nothing(fake: FakeKinesis, archive: Archive) -> None:
    fake.created = time.time() - HOUR
    moved = {FIRST: {"after": "17", "to": SHARD_END}, "shardId-000000000007": {"after": "17", "to": "19"}}
    archive.deliver(Batch("stream", "q", 0, ago(minutes=70)), {"stream": STREAM, "shards": moved})
    put(fake, 5, 0.5 * HOUR)
    steps = list(archive.steps(archive.input(since="-25h"), run="window"))
    assert sum(step.read or 0 for step in steps) == 5
    assert caught_up(archive)[1] == []


def test_records_that_outlive_the_retention_are_not_archived_again(
    fake: FakeKinesis, resigned: Archive
) -> None:
    put(fake, 10, 25 * HOUR)
    resigned.covered(0, shard_0=({"at": ago(hours=40)}, {"at": ago(hours=24.5)}))
    put(fake, 2, HOUR)
    steps, _ = caught_up(resigned)
    assert sum(step.read or 0 for step in steps) == 2
