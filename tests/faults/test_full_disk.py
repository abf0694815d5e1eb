"""A disk that fills up under an archive in a directory: the batch fails whole, and goes on when there is room."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.long import SECONDS
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """The disk fills up between two batches; a start on the full disk; a start with room again."""

    ledger: list[Entry]
    failed: Finished
    left: Archived
    refused: Finished
    last: Finished
    archive: Archived


@pytest.fixture(scope="module", params=["fsync", "write"])
def story(
    request: pytest.FixtureRequest, job: Callable[..., Job], producer: Callable[[int], Producer]
) -> Story:
    """Either the disk says at the end that it is full, or takes half of a file before."""
    source = producer(2)
    source.publish_some(seed=101, count=60)
    archiving = job(source.stream)
    directory, full = archiving.directory / "archive", archiving.directory / "full"
    disk = {"PYTHONPATH": str(Path(__file__).with_name("full_disk")), "FULL_DISK": str(full)}
    with archiving.started(**disk) as running:
        running.wait_for(lambda: bool(running.batches()))
        full.write_text(request.param)
        source.publish_some(seed=102, count=60)
        failed = running.end()
    left = Archived.in_directory(directory)
    refused = archiving.run(**disk)
    full.unlink()
    last = archiving.run(**disk)
    was_cut = full.with_name("full.cut").exists()
    assert was_cut == (request.param == "write")
    return Story(source.ledger, failed, left, refused, last, Archived.in_directory(directory))


def test_the_batch_fails_and_one_line_says_what_to_do(story: Story) -> None:
    assert story.failed.code == 1
    assert story.failed.complaints[-1].startswith("archive: the file system failed on ")
    assert re.search("/archive/(data|errors)/", story.failed.complaints[-1])
    assert story.failed.complaints[-1].endswith("(ENOSPC): see to the disk, then go on")
    assert len(story.failed.complaints) == 1


def test_nothing_of_the_failed_batch_is_counted(story: Story) -> None:
    assert len(story.left.records) == len(story.failed.batches) >= 1


def test_a_start_on_the_full_disk_says_the_same(story: Story) -> None:
    assert story.refused.code == 1
    (line,) = story.refused.complaints
    assert "(ENOSPC): see to the disk, then go on" in line


def test_with_room_again_every_change_event_is_archived_exactly_once(story: Story) -> None:
    story.last.succeeded()
    story.archive.holds(story.ledger)
