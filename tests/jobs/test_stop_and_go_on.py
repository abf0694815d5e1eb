"""Ended in the middle, the job ends between two batches; started again it goes on where it was."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer

COUNT, BATCH = 240, 40


@dataclass(frozen=True)
class Story:
    """A run that SIGTERM ended in the middle of its batches, and the one that followed."""

    ledger: list[Entry]
    stopped: Finished
    committed: set[int]
    between: Archived
    second: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    source = producer(2)
    source.publish_some(seed=3, count=COUNT)
    archiving = job(source.stream, max_records_per_batch=BATCH)
    directory = archiving.directory / "archive"
    with archiving.started() as running:
        running.wait_for(lambda: len(running.batches()) >= 3)
        stopped = running.end(signal.SIGTERM)
    done = committed(archiving.directory / "checkpoint")
    between = Archived.in_directory(directory)
    second = archiving.run()
    return Story(source.ledger, stopped, done, between, second, Archived.in_directory(directory))


def test_sigterm_ends_the_job_after_the_running_batch(story: Story) -> None:
    story.stopped.succeeded()
    assert story.committed == {line["batchId"] for line in story.stopped.batches}
    assert 3 <= len(story.committed) < COUNT / BATCH
    assert len(story.between.records) == len(story.committed)


def test_the_log_says_why_it_ended(story: Story) -> None:
    stopping, stopped = story.stopped.lines[-2:]
    assert (stopping["event"], stopping["reason"]) == ("stopping", "SIGTERM")
    assert (stopped["event"], stopped["lastBatch"]) == ("stopped", max(story.committed))


def test_the_next_run_finishes_and_every_record_is_archived_exactly_once(story: Story) -> None:
    assert not any(line["replayed"] for line in story.second.succeeded().batches)
    assert story.between.objects.items() <= story.archive.objects.items()
    story.archive.holds(story.ledger)
