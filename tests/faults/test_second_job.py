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
from tests.jobs.job import SECONDS, Finished, Running
from tests.jobs.ledger import Entry, Producer

PREFIX = "p/"


pytestmark = pytest.mark.timeout(STORY_SECONDS)


@dataclass(frozen=True)
class Story:
    """The first job and a second in one batch, then the second and a third side by side.

    ``ended`` are the runs that ended by themselves; ``began`` and ``first`` are the ledger and the archive once the first had.
    """

    began: list[Entry]
    first: Archived
    ended: dict[str, Finished]
    other: Finished
    ledger: list[Entry]
    archive: Archived


@pytest.fixture(scope="module")
def story(proxy: Proxy, on_s3: Callable[..., OnS3]) -> Story:
    source, archiving, archived = on_s3(2, PREFIX)
    began = list(source.publish_some(seed=81, count=100))
    released = threading.Event()
    rule = Rule(meanwhile(lambda: released.wait(50)), "PUT", "/deliveries/")
    proxy.rules = [rule]
    with archiving.started() as first:
        # It hangs before its delivery record while the second replays that very batch and commits it.
        first.wait_for(lambda: rule.fired == 1)
        with archiving.started() as second:
            second.wait_for((archiving.directory / "checkpoint" / "commits" / "0").exists)
            released.set()
            in_one_batch, left = first.end(), archived()
            with archiving.started() as third:
                one, other = side_by_side(source, second, third)
                ended = one.end()
                source.publish_some(seed=71, count=50)
                other.wait_for(lambda: read(archived()) == len(source.ledger))
                went_on = other.end(signal.SIGTERM)
    ends = {"in one batch": in_one_batch, "side by side": ended}
    return Story(began, left, ends, went_on, source.ledger, archived())


def side_by_side(source: Producer, one: Running, other: Running) -> tuple[Running, Running]:
    """Both run, while the stream fills, until one of them ends; returns that one first."""
    until, seed = time.monotonic() + SECONDS, 72
    while one.process.poll() is None and other.process.poll() is None:
        assert time.monotonic() < until, "both jobs go on"
        source.publish_some(seed, 10)
        seed += 1
        time.sleep(0.5)
    return (one, other) if one.process.poll() is not None else (other, one)


def read(archive: Archived) -> int:
    return sum(record["counts"]["read"] for record in archive.records)


@pytest.mark.parametrize("how", ["in one batch", "side by side"])
def test_one_ends_and_says_why_in_one_line(story: Story, how: str) -> None:
    ended = story.ended[how]
    assert ended.code == 1
    (line,) = ended.complaints
    assert line.startswith("archive: another job uses the same archive.checkpoint")


def test_the_other_goes_on(story: Story) -> None:
    story.other.succeeded()


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    story.first.holds(story.began)
    story.archive.holds(story.ledger)
