"""The job on a failing Kinesis: it outlives what passes, ends in words on what doesn't, and loses nothing unsaid."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from jobs.demo.generator import events
from tests.faults.long import SECONDS
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
    """The runs in their order; the archive after the last that read everything, and in the end."""

    throttled: Finished
    passed: Finished
    faults: dict[str, Fault]
    whole: tuple[Archived, list[Entry]]
    expired: Finished
    went_on: Finished
    archive: Archived
    left: list[Entry]
    recreated: Finished


@pytest.fixture(scope="module")
def story(job: Callable[..., Job]) -> Story:
    fake, faults = FakeKinesis(), passing()
    first = fake.add_shard(0)
    put(fake, first, 131)
    put(fake, fake.add_shard(1), 132)
    with fake.serving() as kinesis:
        archiving = job(STREAM, kinesis.environment, max_records_per_batch=30)
        fake.faults = [Fault("GetRecords", "ProvisionedThroughputExceededException", 10_000)]
        throttled = archiving.run("--set", "source.retry_attempts=3")
        fake.faults = list(faults.values())
        fake.shards[first].empty_pages = 20
        passed = archiving.run()
        whole = archived(archiving), entries(fake)
        put(fake, first, 134)
        put(fake, fake.add_shard(2, (0,)), 135)
        fake.shards[first].listed = False
        expired = archiving.run()
        went_on = archiving.run("--set", "source.fail_on_data_loss=false")
        archive = archived(archiving)
        fake.created += 3600
        recreated = archiving.run()
    lost = {entry for entry in entries(fake) if entry.shard == first} - set(whole[1])
    left = [entry for entry in entries(fake) if entry not in lost]
    return Story(throttled, passed, faults, whole, expired, went_on, archive, left, recreated)


def archived(archiving: Job) -> Archived:
    return Archived.in_directory(archiving.directory / "archive")


def put(fake: FakeKinesis, shard: str, seed: int) -> None:
    fake.put(shard, [change.data for change in events(seed, 50)])


def entries(fake: FakeKinesis) -> list[Entry]:
    """What is on the stream, as a producer's ledger."""
    records = [(shard.id, json.loads(text)) for shard in fake.shards.values() for text in shard.records]
    return [Entry(id, each["SequenceNumber"], base64.b64decode(each["Data"])) for id, each in records]


@pytest.mark.parametrize("fault", passing())
def test_what_passes_is_outlived(story: Story, fault: str) -> None:
    story.passed.succeeded()
    assert story.faults[fault].times == 0


def test_throttling_beyond_the_bound_in_conf_ends_in_one_line(story: Story) -> None:
    (line,) = story.throttled.complaints
    assert story.throttled.code == 1
    assert "ProvisionedThroughputExceededException 3 times in a row" in line
    assert "goes on from here when it is started again" in line


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
    story.archive.is_sound()
    assert sum(record["counts"]["read"] for record in story.archive.records) == len(story.left)


def test_a_stream_created_anew_under_the_same_name_is_refused_before_anything_is_read(story: Story) -> None:
    (line,) = story.recreated.complaints
    assert story.recreated.code == 1
    assert "Give the new stream a new checkpoint" in line
