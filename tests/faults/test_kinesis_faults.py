"""The job on a failing Kinesis: it outlives what passes, ends in words on what doesn't, and loses nothing unsaid."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest

from jobs.demo.generator import events
from jobs.sources.kinesis.pace import Pace
from tests.faults.ledgers import entries
from tests.faults.long import SECONDS
from tests.faults.one_process import OneProcess, one_process
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry
from tests.sources.fake_kinesis import HANG_UP, STREAM, FakeKinesis, Fault

pytestmark = pytest.mark.timeout(SECONDS)


def passing() -> dict[str, Fault]:
    """Every way to fail and recover."""
    return {
        "throttled": Fault("GetRecords", "ProvisionedThroughputExceededException", 3),
        "expired iterator": Fault("GetRecords", "ExpiredIteratorException", 2),
        "internal failure": Fault("GetRecords", "InternalFailure", 2, status=500),
        "no answer": Fault("GetRecords", "no answer", 2, status=HANG_UP),
        "throttled iterator": Fault("GetShardIterator", "ProvisionedThroughputExceededException", 2),
        "throttled list": Fault("ListShards", "LimitExceededException", 1),
        "throttled summary": Fault("DescribeStreamSummary", "LimitExceededException", 1),
    }


@dataclass(frozen=True)
class Story:
    """The runs in their order; the archive after the last that read everything, and in the end.

    ``gaps`` are the seconds between the calls about the shard that was throttled up to the bound, ``foretold`` what the
    doctor said before a run, and that run.
    """

    throttled: Finished
    gaps: list[float]
    passed: Finished
    faults: dict[str, Fault]
    whole: tuple[Archived, list[Entry]]
    expired: Finished
    went_on: Finished
    archive: Archived
    left: list[Entry]
    recreated: Finished
    foretold: list[tuple[Finished, Finished]]


@pytest.fixture(scope="module")
def story(job: Callable[..., Job]) -> Story:
    fake, faults = FakeKinesis(), passing()
    first = fake.add_shard(0)
    put(fake, first, 131)
    put(fake, fake.add_shard(1), 132)
    with fake.serving() as kinesis:
        archiving = job(STREAM, kinesis.environment, max_records_per_batch=30)
        with one_process(archiving) as process:
            fake.faults = [Fault("GetRecords", "ProvisionedThroughputExceededException", 10_000)]
            throttled = process.run("--set", "source.retry_attempts=3")
            gaps = max((gaps_of(fake, shard) for shard in fake.shards), key=len)
            fake.faults = list(faults.values())
            fake.shards[first].empty_pages = 20
            passed = process.run()
            whole = archived(archiving), entries(fake)
            put(fake, first, 134)
            put(fake, fake.add_shard(2, (0,)), 135)
            fake.shards[first].listed = False
            foretold = [foretell(process), foretell(process, "--set", "source.fail_on_data_loss=false")]
            archive = archived(archiving)
            fake.created += 3600
            foretold.append(foretell(process))
    expired, went_on, recreated = (run for _, run in foretold)
    lost = {entry for entry in entries(fake) if entry.shard == first} - set(whole[1])
    left = [entry for entry in entries(fake) if entry not in lost]
    return Story(throttled, gaps, passed, faults, whole, expired, went_on, archive, left, recreated, foretold)


def foretell(process: OneProcess, *arguments: str) -> tuple[Finished, Finished]:
    """What the doctor says, and then the run."""
    return process.command("doctor", *arguments), process.run(*arguments)


def gaps_of(fake: FakeKinesis, shard: str) -> list[float]:
    """The seconds between calls for records of that shard."""
    calls = [at for at, operation, on in fake.calls if (operation, on) == ("GetRecords", shard)]
    return [later - sooner for sooner, later in pairwise(calls)]


def archived(archiving: Job) -> Archived:
    return Archived.in_directory(archiving.directory / "archive")


def put(fake: FakeKinesis, shard: str, seed: int) -> None:
    fake.put(shard, [change.data for change in events(seed, 50)])


@pytest.mark.parametrize("fault", passing())
def test_what_passes_is_outlived(story: Story, fault: str) -> None:
    story.passed.succeeded()
    assert story.faults[fault].times == 0


def test_throttling_beyond_the_bound_in_conf_ends_in_one_line(story: Story) -> None:
    (line,) = story.throttled.complaints
    assert story.throttled.code == 1
    assert "ProvisionedThroughputExceededException 3 times in a row" in line
    assert "goes on from here when it is started again" in line


def test_pauses_grow_up_to_a_bound_and_are_never_the_same() -> None:
    bounds = [0.5, 1, 2, 4, 8, 10, 10]
    runs = [pauses_of(Pace(5), len(bounds)) for _ in range(20)]
    for pauses in runs:
        assert [b / 2 <= pause <= b + 0.1 for pause, b in zip(pauses, bounds, strict=True)] == [True] * 7
    assert all(len(set(same)) == len(runs) for same in zip(*runs, strict=True))


def pauses_of(pace: Pace, failures: int) -> list[float]:
    """How long it waits after each of so many failures in a row, in seconds."""
    pauses = []
    for _ in range(failures):
        now = time.monotonic()
        pace.failed()
        pauses.append(pace.due() - now)
    pace.succeeded()
    assert pace.due() <= time.monotonic(), "an answer ends the waiting"
    return pauses


def test_a_throttled_shard_is_left_alone_for_so_long(story: Story) -> None:
    first, second = story.gaps
    assert first >= 0.25
    assert second >= 0.5


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    archive, ledger = story.whole
    archive.holds(ledger)


def test_a_shard_that_expired_unread_ends_the_job_and_is_named(story: Story) -> None:
    (line,) = story.expired.complaints
    assert story.expired.code == 1
    assert "no longer holds shardId-000000000000 after position" in line
    assert "run with source.fail_on_data_loss=false" in line


def test_where_conf_says_so_the_job_goes_on_with_what_is_left_and_says_what_is_lost(story: Story) -> None:
    assert story.went_on.code == 0
    # Told by the process that reads; where it runs, its log goes to standard error.
    (told,) = map(json.loads, story.went_on.complaints)
    assert (told["event"], told["level"]) == ("source.data_loss", "warning")
    assert "no longer holds shardId-000000000000 after position" in told["reason"]
    story.archive.holds(story.left)
    lost = [record["source"]["lost"] for record in story.archive.records if "lost" in record["source"]]
    assert [{shard: moved["to"] for shard, moved in of.items()} for of in lost] == [
        {"shardId-000000000000": "SHARD_END"}
    ]


def test_a_stream_created_anew_under_the_same_name_is_refused_before_anything_is_read(story: Story) -> None:
    (line,) = story.recreated.complaints
    assert story.recreated.code == 1
    assert "Give the new stream a new checkpoint" in line


def test_the_doctor_foretold_which_start_works(story: Story) -> None:
    assert [(said.code, run.code) for said, run in story.foretold] == [(1, 1), (0, 0), (1, 1)]
    expired, went_on, recreated = (said.out for said, _ in story.foretold)
    assert "Shard shardId-000000000000 has left the stream before it was read to its end" in expired
    assert "source.fail_on_data_loss is false, so the job goes on without them" in went_on
    (line,) = story.recreated.complaints
    assert line.removeprefix("archive: ") in recreated, "in the words of the job"
    assert "Where the checkpoint stands in its stream:\n  shardId-000000000001: read to 49" in recreated
