"""read = archived + failed, what was read is known from the source alone (rules, section 6), and how far behind it is."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import pytest

from jobs.demo.generator import events
from tests.faults.one_process import one_process
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import forget_commit
from tests.jobs.job import Finished, Job
from tests.sources.fake_kinesis import STREAM, FakeKinesis

RECORDS = (10, 30)


@dataclass(frozen=True)
class Story:
    """Batches of a stream with a longer shard and a shorter one, and a replay of the last that finds fewer records."""

    first: Finished
    replay: Finished
    logged: list[int]
    archive: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job]) -> Story:
    fake = FakeKinesis()
    fake.page_cap = 10
    shards = [fake.add_shard(number) for number in range(len(RECORDS))]
    for number, count in enumerate(RECORDS):
        fake.put(shards[number], [change.data for change in events(number, count)])
    with fake.serving() as kinesis:
        archiving = job(STREAM, kinesis.environment, max_records_per_batch=20)
        directory, checkpoint = archiving.directory / "archive", archiving.directory / "checkpoint"
        with one_process(archiving) as process:
            first = process.run()
            offsets = [(checkpoint / "offsets" / str(line["batchId"])).read_text() for line in first.batches]
            logged = [json.loads(text.splitlines()[2])["#records"] for text in offsets]
            forget_commit(checkpoint, len(offsets) - 1)
            max(directory.glob("deliveries/*/*"), key=lambda record: record.name).unlink()
            fake.trim(shards[-1], RECORDS[-1] - 5)
            replay = process.run()
    return Story(first, replay, logged, Archived.in_directory(directory))


def test_the_source_tells_in_the_offset_log_how_many_records_there_were_up_to_a_batch(story: Story) -> None:
    read = [line["read"] for line in story.first.succeeded().batches]
    assert story.logged == list(accumulate(read))
    assert (len(read) > 1, sum(read)) == (True, sum(RECORDS))


def test_the_lag_in_the_log_is_that_of_the_worst_shard(story: Story) -> None:
    first, *_, last = [line["lagMs"] for line in story.first.batches]
    # The fake is a minute behind wherever it has more.
    assert (first, last) == (60_000, 0)


def test_a_replay_that_finds_fewer_records_fails_in_one_line(story: Story) -> None:
    assert story.replay.code == 1
    (line,) = story.replay.complaints
    last = story.first.batches[-1]
    assert line.startswith(f"archive: batch {last['batchId']} of ")
    assert f" had read {last['read']} change events, and its replay finds " in line
    assert "source.fail_on_data_loss=false" in line
    assert story.replay.batches == []


def test_what_does_not_add_up_gets_no_delivery_record(story: Story) -> None:
    archived = [line["batchId"] for line in story.first.batches[:-1]]
    assert [record["batchId"] for record in story.archive.records] == archived
