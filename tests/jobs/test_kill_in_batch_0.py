"""A kill inside batch 0 loses nothing: the start was resolved and kept before anything was read."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

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


@pytest.fixture(scope="module", params=["LATEST", "an instant"])
def story(
    request: pytest.FixtureRequest, job: Callable[..., Job], producer: Callable[[int], Producer]
) -> Story:
    source = producer(2)
    source.publish_some(seed=21, count=40)
    time.sleep(0.05)
    instant = datetime.now(UTC).isoformat(timespec="milliseconds")
    archiving = job(source.stream, start="LATEST" if request.param == "LATEST" else instant)
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
