"""Killed at random instants, again and again, while the stream fills: nothing is lost, nothing comes twice."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.kills import killed
from tests.faults.load import filling
from tests.faults.long import LONG, SECONDS
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job, Running
from tests.jobs.ledger import Entry, Producer

KILLS = 20 if LONG else 2
SEED = int(os.environ.get("SOAK_SEED") or (time.time() if LONG else 61))
BATCH = 200

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """What was there after each kill, and in the end."""

    ledger: list[Entry]
    left: list[dict[str, bytes]]
    last: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    print(f"SOAK_SEED={SEED}")  # noqa: T201 - what it takes to do it again
    dice, source = random.Random(SEED), producer(3)
    archiving = job(source.stream, max_records_per_batch=BATCH)
    directory, left = archiving.directory / "archive", []
    with filling(source, SEED, pause=0.5, a_call=20, calls=40 * KILLS):
        for number in range(KILLS):
            with archiving.started() as running:
                if number == 0:
                    running.wait_for(lambda running=running: bool(running.batches()))  # type: ignore[misc]
                elif dice.random() < 0.8:
                    await_work(running, archiving.directory / "checkpoint")
                time.sleep(dice.uniform(0, 8))
                killed(running)
            left.append(dict(Archived.in_directory(directory).objects))
    with archiving.started("--until-caught-up") as running:
        # All that came while nothing but kills was going on.
        last = running.end(None, SECONDS)
    return Story(source.ledger, left, last, Archived.in_directory(directory))


def await_work(running: Running, checkpoint: Path) -> None:
    """Wait until this run has begun a batch."""
    offsets, began = checkpoint / "offsets", set(checkpoint.glob("offsets/*"))
    running.wait_for(lambda: bool(running.batches()) or (offsets.exists() and set(offsets.iterdir()) > began))


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    assert len(story.ledger) > 100
    story.last.succeeded()
    story.archive.holds(story.ledger)


def test_whatever_a_kill_left_is_in_the_archive_with_the_same_name_and_bytes(story: Story) -> None:
    assert all(objects.items() <= story.archive.objects.items() for objects in story.left)
    assert story.left[0]
