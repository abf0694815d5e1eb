"""The last batch replayed again and again, and a checkpoint that is gone: what is archived stays as it is."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults.long import SECONDS
from tests.faults.one_process import one_process
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed, forget_commit
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer

BATCH = 120


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """The archive after the first run, after each replay of its last batch, and after the checkpoint was lost.

    ``foretold`` is what the doctor said before each replay.
    """

    ledger: list[Entry]
    first: Archived
    replays: list[tuple[Finished, Archived]]
    foretold: list[Finished]
    reread: Finished
    archive: Archived
    verified: Finished


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    source = producer(2)
    source.publish_some(seed=51, count=300, huge=1)
    archiving = job(source.stream, max_records_per_batch=BATCH)
    directory, checkpoint = archiving.directory / "archive", archiving.directory / "checkpoint"
    foretold: list[Finished] = []

    def replay(*lost: str) -> tuple[Finished, Archived]:
        """Run without the last commit, and without what of its batch these patterns find."""
        forget_commit(checkpoint, max(committed(checkpoint)))
        time = first.records[-1]["timestamp"].replace(":", "-")
        for pattern in lost:
            for path in directory.glob(pattern.format(time)):
                path.unlink()
        foretold.append(process.command("doctor"))
        return process.run(), Archived.in_directory(directory)

    with one_process(archiving) as process:
        process.run().succeeded()
        first = Archived.in_directory(directory)
        replays = [
            replay(),
            replay("deliveries/*/{}-*"),
            replay("deliveries/*/{}-*", "errors/{}-*", "data/*/*/{}-*"),
        ]
        shutil.rmtree(checkpoint)
        reread = process.run()
        verified = process.command("verify", "--json")
    archive = Archived.in_directory(directory)
    return Story(source.ledger, first, replays, foretold, reread, archive, verified)


def test_the_first_run_archives_everything_once(story: Story) -> None:
    assert len(story.first.records) == 3
    story.first.holds(story.ledger)


@pytest.mark.parametrize(
    ("number", "known"),
    [(0, True), (1, False), (2, False)],
    ids=["commit lost", "record lost", "all of it lost"],
)
def test_each_replay_of_the_last_batch_leaves_the_same_names_and_bytes(
    story: Story, number: int, known: bool
) -> None:
    run, archive = story.replays[number]
    (line,) = run.succeeded().batches
    assert (line["batchId"], line["replayed"]) == (2, known)
    assert archive.objects == story.first.objects


def test_the_doctor_foretells_each_replay(story: Story) -> None:
    same = "runs batch 2 again, with the same change events, and goes on"
    told = ("marks batch 2 as done and goes on", same, same)
    for said, outlook in zip(story.foretold, told, strict=True):
        assert f"\nNext start: works; {outlook}" in said.succeeded().out


def test_without_its_checkpoint_the_job_archives_the_stream_again_beside_what_is_there(story: Story) -> None:
    story.reread.succeeded()
    old, new = story.first.objects, story.archive.objects
    assert old.items() < new.items()
    beside = Archived({key: new[key] for key in new.keys() - old.keys()}, story.archive.storage)
    beside.holds(story.ledger)
    assert {record["queryId"] for record in beside.records} != {
        record["queryId"] for record in story.first.records
    }


def test_verify_says_that_the_stream_was_read_twice_and_finds_nothing_else(story: Story) -> None:
    assert story.verified.code == 1, story.verified.err
    assert list(story.verified.lines[-1]["findings"]) == ["overlap"]


def test_every_event_read_again_has_the_same_change_so_that_duplicates_can_be_told(story: Story) -> None:
    old = [
        row["change"]
        for key in story.first.objects
        if key.startswith("data/")
        for row in story.first.rows(key)
    ]
    now = [
        row["change"]
        for key in story.archive.objects
        if key.startswith("data/")
        for row in story.archive.rows(key)
    ]
    assert sorted(map(repr, now)) == sorted(map(repr, old * 2))
