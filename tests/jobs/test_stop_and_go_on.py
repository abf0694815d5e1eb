"""Ended in the middle, the job ends between two batches; started again it goes on where it was."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer


@dataclass(frozen=True)
class Story:
    """A run that SIGTERM ended, and one that followed after the newest commit was lost."""

    ledger: list[Entry]
    stopped: Finished
    committed: set[int]
    between: dict[str, bytes]
    lost: int
    second: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    source = producer(2)
    source.publish_some(seed=3, count=500)
    archiving = job(source.stream, max_records_per_batch=40)
    directory, checkpoint = archiving.directory / "archive", archiving.directory / "checkpoint"
    with archiving.started() as running:
        running.wait_for(lambda: len(running.batches()) >= 3)
        stopped = running.end(signal.SIGTERM)
    committed = commits(checkpoint)
    between = dict(Archived.in_directory(directory).objects)
    lost = max(committed)
    for name in (str(lost), f".{lost}.crc"):
        (checkpoint / "commits" / name).unlink()
    second = archiving.run()
    return Story(source.ledger, stopped, committed, between, lost, second, Archived.in_directory(directory))


def commits(checkpoint: Path) -> set[int]:
    return {int(path.name) for path in (checkpoint / "commits").iterdir() if path.name.isdecimal()}


def test_sigterm_ends_the_job_after_the_running_batch(story: Story) -> None:
    story.stopped.succeeded()
    assert story.committed == {line["batchId"] for line in story.stopped.batches}
    assert len(story.committed) < 500 / 40


def test_go(story: Story) -> None:
    story.second.succeeded()
    story.archive.holds(story.ledger)
