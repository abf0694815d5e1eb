"""What a backfill of the stream takes for a gap, by delivery records, the checkpoint and what the stream still holds."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.backfill.kinesis import KinesisInput
from jobs.backfill.options import Options
from jobs.backfill.positions import CoverageUnknown
from jobs.backfill.run import backfill
from jobs.backfill.steps import Step
from jobs.backfill.stream import WindowExpired
from jobs.batch import Batch
from jobs.instants import from_iso, iso, now
from jobs.lease import Lease, RunUnderWay
from jobs.settings import SettingsError
from jobs.sources.kinesis.errors import TrimmedPosition
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON
from tests.backfill.streaming import FIRST, HOUR, Archive, ago, archive, begun_job, put, unhurried
from tests.sources.conftest import fake
from tests.sources.fake_kinesis import CREATED, STREAM, FakeKinesis, Fault

__all__ = ["archive", "fake", "unhurried"]


def taken(steps: Sequence[Step], shard: str = FIRST) -> list[tuple[Any, Any]]:
    """What the steps read of a shard, ``(after, to)`` each."""
    ranges = [step.source["shards"][shard] for step in steps if shard in step.source["shards"]]
    return [(each["after"], each["to"]) for each in ranges]


def read(steps: Sequence[Step]) -> int:
    return sum(step.read or 0 for step in steps)


def test_without_delivery_records_all_of_the_window_is_a_gap(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 3, 3 * HOUR)
    put(fake, 5, HOUR)
    put(fake, 7, 60)
    source = archive.input()
    (step,) = archive.steps(source)
    assert step.read == 5
    since, until = ({"at": source.identity[name]} for name in ("since", "until"))
    assert step.source == {"stream": STREAM, "shards": {FIRST: {"after": since, "to": until}}}


def test_what_delivery_records_cover_is_left_alone(fake: FakeKinesis, archive: Archive) -> None:
    numbers = put(fake, 10, HOUR)
    archive.covered(0, shard_0=(TRIM_HORIZON, numbers[2]))
    archive.covered(1, shard_0=(numbers[6], numbers[8]))
    source = archive.input()
    steps = list(archive.steps(source))
    assert taken(steps) == [(numbers[2], numbers[6]), (numbers[8], {"at": source.identity["until"]})]
    assert [step.read for step in steps] == [4, 1]


def test_a_query_that_began_by_time_covers_what_arrived_from_then_on(
    fake: FakeKinesis, archive: Archive
) -> None:
    numbers = put(fake, 4, 1.5 * HOUR)
    began = ago(hours=1.2)
    archive.covered(0, shard_0=(TRIM_HORIZON, numbers[1]))
    archive.covered(1, shard_0=({"at": began}, put(fake, 4, HOUR)[-1]))
    steps = list(archive.steps(archive.input(until=ago(hours=1.1))))
    assert taken(steps) == [(numbers[1], {"at": began})]
    assert read(steps) == 2


def test_a_window_that_is_archived_is_no_work(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 10, HOUR)
    source = archive.input()
    assert read(list(archive.steps(source))) == 10
    assert list(archive.steps(source, run="another")) == []


def test_overlapping_windows_take_nothing_twice(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 4, 1.5 * HOUR)
    put(fake, 5, 1.2 * HOUR)
    put(fake, 6, 0.9 * HOUR)
    first = list(archive.steps(archive.input(until=ago(hours=1)), run="first"))
    second = list(archive.steps(archive.input(since=ago(hours=1.3)), run="second"))
    assert (read(first), read(second)) == (9, 6)


def test_a_window_in_which_nothing_arrived_is_recorded_too(fake: FakeKinesis, archive: Archive) -> None:
    (step,) = archive.steps(archive.input())
    assert step.read == 0
    assert list(archive.steps(archive.input(since=ago(hours=1.9), until=ago(hours=1)), run="another")) == []


def test_again_takes_all_of_the_window(fake: FakeKinesis, archive: Archive) -> None:
    numbers = put(fake, 10, HOUR)
    archive.covered(0, shard_0=(TRIM_HORIZON, numbers[-1]))
    assert read(list(archive.steps(archive.input(again=True)))) == 10


def test_what_the_streaming_job_will_read_is_left_to_it(fake: FakeKinesis, archive: Archive) -> None:
    numbers = put(fake, 10, HOUR)
    begun_job(archive, fake, {FIRST: numbers[3]})
    steps = list(archive.steps(archive.input()))
    assert [to for _, to in taken(steps)] == [numbers[3]]
    assert read(steps) == 4


def test_a_shard_that_the_streaming_job_does_not_know_yet_is_left_to_it(
    fake: FakeKinesis, archive: Archive
) -> None:
    begun_job(archive, fake, {FIRST: TRIM_HORIZON})
    put(fake, 4, HOUR, fake.add_shard(1, parents=(0,)))
    assert list(archive.steps(archive.input())) == []


def test_a_checkpoint_of_another_stream_is_nobodys(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 10, HOUR)
    begun_job(archive, fake, {FIRST: TRIM_HORIZON})
    fake.created = CREATED + 100
    assert read(list(archive.steps(archive.input()))) == 10


def test_shards_that_ended_and_their_children_are_read(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 6, 1.5 * HOUR)
    put(fake, 4, HOUR, fake.add_shard(1, parents=(0,)))
    steps = list(archive.steps(archive.input()))
    assert (read(steps), len(steps)) == (10, 1)


def test_of_a_shard_that_ended_before_the_window_its_end_is_all_there_is_to_say(
    fake: FakeKinesis, archive: Archive
) -> None:
    put(fake, 6, 3 * HOUR)
    put(fake, 4, HOUR, fake.add_shard(1, parents=(0,)))
    steps = list(archive.steps(archive.input()))
    assert (read(steps), [to for _, to in taken(steps)]) == (4, [SHARD_END])


def test_a_shard_that_was_read_to_its_end_is_covered(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 6, HOUR)
    archive.covered(0, shard_0=(TRIM_HORIZON, SHARD_END))
    fake.add_shard(1, parents=(0,))
    assert taken(list(archive.steps(archive.input()))) == []


def test_steps_are_bounded_and_the_same_whatever_pages_records_come_in(
    fake: FakeKinesis, tmp_path: Path
) -> None:
    put(fake, 50, HOUR)
    put(fake, 20, HOUR, fake.add_shard(1))
    first = Archive(tmp_path / "a", max_records_per_batch=20)
    since, until = ago(hours=2), ago(minutes=5)
    steps = list(first.steps(first.input(since=since, until=until)))
    assert all((step.read or 0) <= 20 for step in steps)
    assert read(steps) == 70
    fake.page_cap, fake.lag_is_always_zero = 3, False
    second = Archive(tmp_path / "b", max_records_per_batch=20)
    again = list(second.steps(second.input(since=since, until=until)))
    assert [(step.source, step.read) for step in again] == [(step.source, step.read) for step in steps]


def test_steps_are_bounded_by_bytes(fake: FakeKinesis, tmp_path: Path) -> None:
    fake.put(FIRST, [b"x" * 1000] * 10, age_seconds=HOUR)
    archive = Archive(tmp_path, max_bytes_per_batch=3500)
    assert [step.read for step in archive.steps(archive.input())] == [3, 3, 3, 1]


def test_a_run_that_goes_on_cuts_the_rest_into_the_same_steps(fake: FakeKinesis, tmp_path: Path) -> None:
    put(fake, 50, HOUR)
    since, until = ago(hours=2), ago(minutes=5)
    whole = Archive(tmp_path / "a", max_records_per_batch=8)
    due = [(step.source, step.read) for step in whole.steps(whole.input(since=since, until=until))]
    killed = Archive(tmp_path / "b", max_records_per_batch=8)
    source, begun = killed.input(since=since, until=until), now()
    steps = killed.steps(source, begun=begun)
    for _ in range(3):
        next(steps)
    steps.close()
    went_on = list(killed.steps(source, begun=begun))
    assert [(step.source, step.read) for step in went_on] == due
    assert len(due) == 7


def test_what_another_run_took_meanwhile_is_not_taken_by_one_that_goes_on(
    fake: FakeKinesis, tmp_path: Path
) -> None:
    put(fake, 40, HOUR)
    archive = Archive(tmp_path, max_records_per_batch=10)
    source, begun = archive.input(), now()
    steps = archive.steps(source, begun=begun)
    first = [next(steps), next(steps)]
    steps.close()
    others = list(archive.steps(archive.input(since=ago(hours=1.5)), run="another"))
    went_on = list(archive.steps(source, begun=begun))[1:]
    assert read(first[:1]) + read(others) + read(went_on) == 40


def test_a_window_past_the_retention_is_refused_with_the_retention(
    fake: FakeKinesis, archive: Archive
) -> None:
    with pytest.raises(WindowExpired, match="keeps records for 24 hours"):
        list(archive.steps(archive.input(since="-25h")))


def test_a_stream_younger_than_the_window_holds_all_of_it(fake: FakeKinesis, archive: Archive) -> None:
    fake.created = (now() - timedelta(hours=3)).timestamp()
    put(fake, 5, HOUR)
    assert read(list(archive.steps(archive.input(since="-25h")))) == 5


def test_catching_up_takes_all_that_nobody_archived(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 3, 20 * HOUR)
    missed = list(archive.steps(archive.input(since="-24h", until="-19h", catch_up=True), run="a"))
    put(fake, 4, 10 * HOUR)
    put(fake, 5, HOUR)
    steps = list(archive.steps(archive.input(catch_up=True), run="b"))
    assert (read(missed), read(steps)) == (3, 9)


def test_catching_up_says_where_records_may_have_expired(fake: FakeKinesis, tmp_path: Path) -> None:
    numbers = put(fake, 10, HOUR)
    fake.trim(FIRST, 5)
    careful = Archive(tmp_path / "a")
    careful.covered(0, shard_0=(TRIM_HORIZON, numbers[2]))
    with pytest.raises(TrimmedPosition, match=r"may have expired.*fail_on_data_loss"):
        list(careful.steps(careful.input(catch_up=True)))
    resigned = Archive(tmp_path / "b", fail_on_data_loss=False)
    resigned.covered(0, shard_0=(TRIM_HORIZON, numbers[2]))
    assert read(list(resigned.steps(resigned.input(catch_up=True)))) == 5


def test_delivery_records_without_positions_leave_it_to_the_user(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 5, HOUR)
    archive.deliver(Batch("stream", "q", 0, ago(minutes=1)), {"stream": STREAM})
    with pytest.raises(CoverageUnknown, match="--again"):
        list(archive.steps(archive.input()))
    assert read(list(archive.steps(archive.input(again=True)))) == 5


def test_other_streams_of_the_archive_cover_nothing(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 5, HOUR)
    ranges = {FIRST: {"after": TRIM_HORIZON, "to": SHARD_END}}
    archive.deliver(Batch("stream", "q", 0, ago(minutes=1)), {"stream": "another", "shards": ranges})
    assert read(list(archive.steps(archive.input()))) == 5


def test_passing_faults_and_empty_pages_only_cost_time(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 30, HOUR)
    fake.faults += [
        Fault("GetRecords", "ProvisionedThroughputExceededException", 2),
        Fault("GetShardIterator", "InternalFailure", 1, status=500),
        Fault("GetRecords", "ExpiredIteratorException", 1),
    ]
    fake.shards[FIRST].empty_pages = 5
    assert read(list(archive.steps(archive.input()))) == 30


def test_until_nothing_can_join_the_window_it_is_waited_for(fake: FakeKinesis, archive: Archive) -> None:
    put(fake, 5, 12)
    source = archive.input(until=ago(seconds=8))
    steps = list(archive.steps(source))
    assert now() >= from_iso(source.identity["until"]) + timedelta(seconds=10)
    assert read(steps) == 5


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"since": None}, "needs --since"),
        ({"until": iso(now() + timedelta(hours=1))}, "lies in the future"),
    ],
)
def test_a_window_that_no_stream_can_have_is_refused(
    archive: Archive, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        archive.input(**options)


@pytest.mark.parametrize(("kind", "of"), [("kinesis", f"kinesis-{STREAM}"), ("errors", "redrive")])
def test_two_runs_that_could_take_the_same_for_theirs_do_not_run_at_once(
    archive: Archive, kind: str, of: str
) -> None:
    window = Options(kind, since=ago(hours=2), until=ago(hours=1))
    with Lease(archive.storage, f"runs/{of}.lease", beat_seconds=0.2).held(), pytest.raises(RunUnderWay):
        backfill(archive.settings, window)
    assert list(archive.storage.list("runs/")) == []


def test_a_finished_window_is_looked_at_again_unless_all_of_it_was_asked_for(archive: Archive) -> None:
    def renews(source: KinesisInput) -> bool:
        return source.renews

    assert renews(archive.input())
    assert not renews(archive.input(again=True))
    assert archive.input().lease == f"kinesis-{STREAM}"
