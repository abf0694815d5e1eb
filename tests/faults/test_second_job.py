"""A second job on the same checkpoint: Spark's offset log decides, one of them ends in words, the archive is unharmed."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults.conftest import OnS3
from tests.faults.long import SECONDS as STORY_SECONDS
from tests.faults.proxy import Proxy, Rule, meanwhile
from tests.jobs.archived import Archived
from tests.jobs.job import SECONDS, Finished, Job
from tests.jobs.ledger import Entry, Producer

PREFIX = "p/"


pytestmark = pytest.mark.timeout(STORY_SECONDS)


@dataclass(frozen=True)
class Story:
    """The job that ended by itself, and the one that went on."""

    ledger: list[Entry]
    ended: Finished
    other: Finished
    archive: Archived


@pytest.fixture(scope="module")
def side_by_side(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    """Both run for as long as it takes; the stream fills."""
    source = producer(2)
    source.publish_some(seed=71, count=50)
    archiving = job(source.stream)
    with archiving.started() as first:
        first.wait_for(lambda: bool(first.batches()))
        with archiving.started() as second:
            until, seed = time.monotonic() + SECONDS, 72
            while first.process.poll() is None and second.process.poll() is None:
                assert time.monotonic() < until, "both jobs go on"
                source.publish_some(seed, 10)
                seed += 1
                time.sleep(0.5)
            ended, other = (first, second) if second.process.poll() is None else (second, first)
            finished = ended.end()
            source.publish_some(seed, 50)
            directory = archiving.directory / "archive"
            other.wait_for(lambda: archived(directory) == len(source.ledger))
            went_on = other.end(signal.SIGTERM)
    return Story(source.ledger, finished, went_on, Archived.in_directory(directory))


def archived(directory: object) -> int:
    records = Archived.in_directory(directory).records  # type: ignore[arg-type]
    return sum(record["counts"]["read"] for record in records)


@pytest.fixture(scope="module")
def in_one_batch(proxy: Proxy, on_s3: Callable[..., OnS3]) -> Story:
    """The first one hangs before its delivery record while the second replays that very batch and commits it."""
    source, archiving, archived_on_s3 = on_s3(2, PREFIX)
    source.publish_some(seed=81, count=100)
    released = threading.Event()
    rule = Rule(meanwhile(lambda: released.wait(50)), "PUT", "/deliveries/")
    proxy.rules = [rule]
    with archiving.started() as first:
        first.wait_for(lambda: rule.fired == 1)
        with archiving.started("--until-caught-up") as second:
            second.wait_for((archiving.directory / "checkpoint" / "commits" / "0").exists)
            released.set()
            ended, other = first.end(), second.end()
    return Story(source.ledger, ended, other, archived_on_s3())


@pytest.fixture(params=["side by side", "in one batch"])
def story(request: pytest.FixtureRequest) -> Story:
    found: Story = request.getfixturevalue(request.param.replace(" ", "_"))
    return found


def test_one_ends_and_says_why_in_one_line(story: Story) -> None:
    assert story.ended.code == 1
    (line,) = story.ended.complaints
    assert line.startswith("archive: another job uses the same archive.checkpoint")


def test_the_other_goes_on(story: Story) -> None:
    story.other.succeeded()


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    story.archive.holds(story.ledger)
