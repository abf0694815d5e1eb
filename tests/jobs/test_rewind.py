"""A person on call: the doctor after a run, a rewind, the job on the new checkpoint, and the audit afterwards."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.faults.one_process import one_process
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer


@dataclass(frozen=True)
class Story:
    """What the doctor and the audit said before and after the rewind, and the archive at both times."""

    ledger: list[Entry]
    doctor: Finished
    before: Finished
    first: Archived
    rewind: Finished
    again: Finished
    second: Archived
    after: Finished


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    source = producer(2)
    instant = datetime.now(UTC).isoformat(timespec="milliseconds")
    time.sleep(0.05)
    ledger = source.publish_some(seed=31, count=60)
    archiving = job(source.stream)
    checkpoint = archiving.directory / "checkpoint"
    with one_process(archiving) as process:
        process.run().succeeded()
        doctor, before = process.command("doctor"), process.command("verify", "--json")
        first = Archived.in_directory(archiving.directory / "archive")
        rewind = process.command("doctor", "--rewind", instant)
        (new,) = set(archiving.directory.glob("checkpoint*")) - {checkpoint}
        again = process.run("--set", f"archive.checkpoint={new}")
        second = Archived.in_directory(archiving.directory / "archive")
        after = process.command("verify", "--json")
    return Story(ledger, doctor, before, first, rewind, again, second, after)


def test_after_a_run_the_next_start_works_and_the_archive_is_clean(story: Story) -> None:
    assert "Next start: works; goes on with batch " in story.doctor.succeeded().out
    assert "nothing unread" in story.doctor.out
    (totals,) = story.before.succeeded().lines
    assert (totals["read"], totals["findings"]) == (len(story.ledger), {})


def test_a_rewind_archives_again_beside_what_was_archived(story: Story) -> None:
    assert "stays as it is" in story.rewind.succeeded().out
    assert "python -m jobs.backfill --from kinesis" in story.rewind.out
    assert "passes over" not in story.rewind.out
    story.again.succeeded()
    assert story.first.objects.items() < story.second.objects.items()
    changes = changes_in(story.first)
    assert changes_in(story.second) == changes + changes


def changes_in(archive: Archived) -> Counter[str]:
    """Where every record came from; the rest of some holds their batch's time."""
    keys = [key for key in archive.objects if key.startswith("data/")]
    return Counter(json.dumps(row["change"]) for key in keys for row in archive.rows(key))


def test_the_audit_tells_what_is_in_the_archive_twice(story: Story) -> None:
    assert story.after.code == 1
    *findings, totals = story.after.lines
    assert {finding["finding"] for finding in findings} == {"overlap"}
    assert len(findings) == len({entry.shard for entry in story.ledger})
    assert (totals["read"], totals["findings"]) == (2 * len(story.ledger), {"overlap": len(findings)})
