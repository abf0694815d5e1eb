"""A kill inside batch 0 loses nothing: what `LATEST` means was kept before anything was read."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer


@dataclass(frozen=True)
class Story:
    """A killed run and the one that followed; ``due`` is what was put after the start."""

    due: list[Entry]
    logged: bool
    committed: set[int]
    second: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    source = producer(2)
    source.publish_some(seed=21, count=40)
    archiving = job(source.stream, start="LATEST")
    checkpoint = archiving.directory / "checkpoint"
    with archiving.started() as running:
        running.wait_for((checkpoint / "kinesis" / "start.json").exists)
        due = source.publish_some(seed=22, count=60)
        running.wait_for((checkpoint / "offsets" / "0").exists)
        running.kill()
    logged, done = (checkpoint / "offsets" / "0").exists(), committed(checkpoint)
    due += source.publish_some(seed=23, count=50)
    second = archiving.run()
    return Story(due, logged, done, second, Archived.in_directory(archiving.directory / "archive"))


def test_the_job_was_killed_inside_batch_0(story: Story) -> None:
    assert story.logged
    assert story.committed == set()


def test_the_next_run_archives_everything_since_the_start_exactly_once(story: Story) -> None:
    assert story.second.succeeded().batches[0]["batchId"] == 0
    story.archive.holds(story.due)
