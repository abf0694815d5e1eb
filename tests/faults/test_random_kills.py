"""Killed at random instants, again and again, while the stream fills: nothing is lost, nothing comes twice."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.demo.emulator import Emulator
from tests.faults.kills import killed
from tests.faults.load import filling
from tests.faults.long import LONG, SECONDS
from tests.faults.one_process import one_process
from tests.figures import NAME
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed, logged
from tests.jobs.job import Finished, Job, Running
from tests.jobs.ledger import Entry, Producer

KILLS = 20 if LONG else 2
SEED = int(os.environ.get("SOAK_SEED") or (time.time() if LONG else 61))
BATCH = 200
PREFIX = "p/"
# How many of the kills wait for a batch; the others may come while Spark starts.
IN_A_BATCH = 0.8

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """What was there after each kill and which batches it had met, and what was there in the end."""

    ledger: list[Entry]
    left: list[dict[str, bytes]]
    met: list[set[int]]
    last: Finished
    archive: Archived
    audit: Finished


@pytest.fixture(scope="module")
def story(
    aws: Emulator, job: Callable[..., Job], producer: Callable[[int], Producer], bucket: Callable[[], str]
) -> Story:
    print(f"SOAK_SEED={SEED}")  # noqa: T201 - what it takes to do it again
    dice, source, name, s3 = random.Random(SEED), producer(3), bucket(), aws.client("s3")
    archiving = job(source.stream, uri=f"s3://{name}/{PREFIX}", max_records_per_batch=BATCH)
    checkpoint = archiving.directory / "checkpoint"
    left, met = [], []
    with filling(source, SEED, pause=0.5, a_call=20, calls=40 * KILLS):
        for number in range(KILLS):
            with archiving.started() as running:
                if number == 0:
                    running.wait_for(lambda running=running: bool(running.batches()))  # type: ignore[misc]
                elif dice.random() < IN_A_BATCH:
                    await_batch(running, checkpoint)
                    time.sleep(dice.uniform(0, 1))
                else:
                    time.sleep(dice.uniform(0, 15))
                killed(running)
            left.append(dict(Archived.in_bucket(s3, name, PREFIX).objects))
            met.append(logged(checkpoint) - committed(checkpoint))
    with one_process(archiving) as process:
        # All that came while nothing but kills was going on.
        last = process.run()
        audit = process.command("verify")
    return Story(source.ledger, left, met, last, Archived.in_bucket(s3, name, PREFIX), audit)


def await_batch(running: Running, checkpoint: Path) -> None:
    """Wait until this run has begun a batch."""
    before = logged(checkpoint)
    running.wait_for(lambda: bool(logged(checkpoint) - before))


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    assert len(story.ledger) > 100
    story.last.succeeded()
    story.archive.holds(story.ledger)


def test_kills_met_batches_that_were_begun(
    story: Story, record_property: Callable[[str, object], None]
) -> None:
    met = sum(map(bool, story.met))
    record_property(NAME, f"random kills: {met} of {KILLS} met a batch that was begun")
    assert met >= KILLS / 4


def test_whatever_a_kill_left_is_in_the_archive_with_the_same_name_and_bytes(story: Story) -> None:
    assert all(objects.items() <= story.archive.objects.items() for objects in story.left)
    assert story.left[0]


def test_an_audit_finds_nothing(story: Story) -> None:
    assert story.audit.code == 0, story.audit.out
