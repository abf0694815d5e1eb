"""A disk that fills up under an archive in a directory: the batch fails whole, and goes on when there is room."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.long import SECONDS
from tests.faults.one_process import OneProcess, one_process
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Failed:
    """A run whose disk filled up once it had archived a batch; what it left, and whether it was cut in a file's middle."""

    run: Finished
    left: Archived
    was_cut: bool


@dataclass(frozen=True)
class Story:
    """The disk fills up between two batches, in two ways; a start on the full disk; a start with room again."""

    ledger: list[Entry]
    failed: dict[str, Failed]
    refused: Finished
    last: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    """First the disk says at the end of a file that it is full, then it takes half of one before."""
    source = producer(2)
    source.publish_some(seed=101, count=60)
    archiving = job(source.stream)
    directory, full = archiving.directory / "archive", archiving.directory / "full"
    disk = {"PYTHONPATH": str(Path(__file__).with_name("full_disk")), "FULL_DISK": str(full)}

    def fail(process: OneProcess, how: str, seed: int) -> Failed:
        def fill_up() -> None:
            full.write_text(how)
            source.publish_some(seed, count=60)

        full.unlink(missing_ok=True)
        ended = process.run_while(fill_up)
        return Failed(ended, Archived.in_directory(directory), full.with_name("full.cut").exists())

    with one_process(archiving, **disk) as process:
        failed = {"fsync": fail(process, "fsync", 102), "write": fail(process, "write", 103)}
        refused = process.run()
        full.unlink()
        last = process.run()
    return Story(source.ledger, failed, refused, last, Archived.in_directory(directory))


@pytest.mark.parametrize("how", ["fsync", "write"])
def test_the_batch_fails_and_one_line_says_what_to_do(story: Story, how: str) -> None:
    run = story.failed[how].run
    assert run.code == 1
    (line,) = run.complaints
    assert line.startswith("archive: the file system failed on ")
    assert re.search("/archive/(data|errors)/", line)
    assert line.endswith("(ENOSPC): see to the disk, then go on")
    assert story.failed[how].was_cut == (how == "write")


def test_nothing_of_the_failed_batch_is_counted(story: Story) -> None:
    archived = 0
    for failed in story.failed.values():
        assert len(failed.run.batches) >= 1
        archived += len(failed.run.batches)
        assert len(failed.left.records) == archived


def test_a_start_on_the_full_disk_says_the_same(story: Story) -> None:
    assert story.refused.code == 1
    (line,) = story.refused.complaints
    assert "(ENOSPC): see to the disk, then go on" in line


def test_with_room_again_every_change_event_is_archived_exactly_once(story: Story) -> None:
    story.last.succeeded()
    story.archive.holds(story.ledger)
