"""read = archived + failed, and what was read is known from the source alone (rules, section 6)."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from jobs.demo.generator import events
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import forget_commit
from tests.jobs.job import Finished, Job
from tests.sources.fake_kinesis import STREAM, FakeKinesis


@dataclass(frozen=True)
class Story:
    """A batch whose replay finds fewer records than it had read."""

    first: Finished
    replay: Finished
    logged: dict[str, object]
    archive: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job]) -> Story:
    fake = FakeKinesis()
    shard = fake.add_shard(0)
    fake.put(shard, [change.data for change in events(5, 60)])
    with fake.serving() as kinesis:
        archiving = job(STREAM, kinesis.environment)
        directory, checkpoint = archiving.directory / "archive", archiving.directory / "checkpoint"
        first = archiving.run()
        logged = json.loads((checkpoint / "offsets" / "0").read_text().splitlines()[2])
        forget_commit(checkpoint, 0)
        for record in directory.glob("deliveries/*/*"):
            record.unlink()
        fake.trim(shard, 5)
        replay = archiving.run()
    return Story(first, replay, logged, Archived.in_directory(directory))


def test_the_source_tells_in_the_offset_log_how_many_records_a_batch_has(story: Story) -> None:
    (line,) = story.first.succeeded().batches
    assert story.logged["#records"] == line["read"] == 60


def test_a_replay_that_finds_fewer_records_fails_in_one_line(story: Story) -> None:
    assert story.replay.code == 1
    (line,) = story.replay.complaints
    assert line.startswith("archive: batch 0 of ")
    assert " had read 60 change events, and its replay finds " in line
    assert "source.fail_on_data_loss=false" in line
    assert story.replay.batches == []


def test_what_does_not_add_up_gets_no_delivery_record(story: Story) -> None:
    assert story.archive.records == []
