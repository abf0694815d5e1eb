"""Ended in the middle, the job ends between two batches; started again it goes on where it was."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults.one_process import one_process
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer

COUNT, BATCH = 320, 40


@dataclass(frozen=True)
class Chapter:
    """A run, the batches committed since the beginning, and the archive after it."""

    run: Finished
    committed: set[int]
    archive: Archived


@dataclass(frozen=True)
class Story:
    """A run that SIGTERM ended in the middle of its batches, one that Ctrl-C did, and the one that followed."""

    ledger: list[Entry]
    sigterm: Chapter
    ctrl_c: Chapter
    last: Chapter


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    source = producer(2)
    source.publish_some(seed=3, count=COUNT)
    archiving = job(source.stream, max_records_per_batch=BATCH)

    def after(run: Finished) -> Chapter:
        archive = Archived.in_directory(archiving.directory / "archive")
        return Chapter(run, committed(archiving.directory / "checkpoint"), archive)

    with one_process(archiving) as process:
        run, running = process.begin("archive"), process.running
        running.wait_for(lambda: len(running.batches()) >= 3)
        running.process.send_signal(signal.SIGTERM)
        sigterm = after(process.end(run))
        run = process.begin("archive")
        running.wait_for(lambda: len(running.batches()) > len(sigterm.committed))
        running.interrupt()
        ctrl_c = after(process.end(run))
        last = after(process.run())
    return Story(source.ledger, sigterm, ctrl_c, last)


def test_sigterm_ends_the_job_after_the_running_batch(story: Story) -> None:
    story.sigterm.run.succeeded()
    assert story.sigterm.committed == batches(story.sigterm)
    assert 3 <= len(story.sigterm.committed) < COUNT / BATCH
    assert len(story.sigterm.archive.records) == len(story.sigterm.committed)


def test_ctrl_c_ends_the_job_between_two_batches(story: Story) -> None:
    story.ctrl_c.run.succeeded()
    assert story.ctrl_c.committed == story.sigterm.committed | batches(story.ctrl_c)
    assert len(story.sigterm.committed) < len(story.ctrl_c.committed) < COUNT / BATCH
    assert len(story.ctrl_c.archive.records) == len(story.ctrl_c.committed)


def batches(chapter: Chapter) -> set[int]:
    return {line["batchId"] for line in chapter.run.batches}


@pytest.mark.parametrize(("name", "reason"), [("sigterm", "SIGTERM"), ("ctrl_c", "SIGINT")])
def test_the_log_says_why_it_ended(story: Story, name: str, reason: str) -> None:
    chapter: Chapter = getattr(story, name)
    stopping, stopped = chapter.run.lines[-2:]
    assert (stopping["event"], stopping["reason"]) == ("stopping", reason)
    assert (stopped["event"], stopped["lastBatch"]) == ("stopped", max(chapter.committed))


def test_the_next_run_finishes_and_every_record_is_archived_exactly_once(story: Story) -> None:
    runs = (story.ctrl_c.run, story.last.run.succeeded())
    assert not any(line["replayed"] for run in runs for line in run.batches)
    assert story.sigterm.archive.objects.items() <= story.ctrl_c.archive.objects.items()
    assert story.ctrl_c.archive.objects.items() <= story.last.archive.objects.items()
    story.last.archive.holds(story.ledger)
