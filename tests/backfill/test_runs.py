"""A run can be ended and gone on with; what it writes follows from its input and the time it first began."""

import io
import json
import os
import shutil
import signal
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

import pytest

from jobs.backfill.errors import BackfillError, RunUnfinished, TooManyErrors
from jobs.backfill.totals import Totals
from jobs.batch import Batch
from jobs.sinks.names import container_key
from jobs.sinks.storage import open_storage
from jobs.stopping import RunInterrupted
from tests.backfill.checking import holds_exactly
from tests.backfill.conftest import MakePlace, Place
from tests.backfill.made_up import event_lines

LINES = event_lines(31, 120)
STEPS = 2
TIME_LENGTH = len("2026-03-01T12-34-56.789Z-")


def run(at: Place, **options: Any) -> str:
    """A run of two steps; what it printed."""
    file = at.directory / "events.jsonl"
    file.write_bytes(b"\n".join(LINES))
    told = io.StringIO()
    with redirect_stdout(told):
        at.run("events", file, **{"step_bytes": file.stat().st_size // STEPS + 1, **options})
    return told.getvalue()


def _interrupted(_: Totals) -> Any:
    raise RunInterrupted("before the run was noted as finished")


def run_interrupted_at_its_end(at: Place, **options: Any) -> None:
    """A run that archives all of its steps and isn't noted as finished."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Totals, "summary", _interrupted)
        with pytest.raises(RunInterrupted):
            run(at, **options)


def run_interrupted(at: Place) -> None:
    """A run that is told to end while it takes its first step."""
    take = Totals.add

    def told(*step: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        take(*step)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Totals, "add", told)
        with pytest.raises(RunInterrupted, match="SIGTERM"):
            run(at)


@dataclass(frozen=True)
class Story:
    """A dry run, a run that was told to end, another dry run, objects laid down, and the same run to its end.

    The start that goes on would make one step of it all; another one ends the run. Before each, objects are laid down.
    """

    at: Place
    told_before: str
    held_before: dict[str, bytes]
    told_between: str
    held_between: dict[str, bytes]
    of_the_run: str
    of_another: str
    of_no_step: str


@pytest.fixture(scope="module")
def story(place: MakePlace) -> Story:
    at = place()
    told_before = run(at, dry_run=True)
    held_before = dict(at.archived.objects)
    run_interrupted(at)
    held_between = at.objects
    told_between = run(at, dry_run=True)
    (first,) = at.archived.records

    def lay_down(kind: str, query: str, number: int) -> str:
        key = container_key(Batch(kind, query, number, first["timestamp"]), "sale", "1999-01-01", 0)
        open_storage(str(at.archive)).put(key, b"Obj")
        return key

    of_the_run, of_another = lay_down("backfill", first["queryId"], 1), lay_down("stream", "another", 1)
    run_interrupted_at_its_end(at, step_bytes=1 << 30)
    of_no_step = lay_down("backfill", first["queryId"], STEPS)
    run(at)
    return Story(at, told_before, held_before, told_between, held_between, of_the_run, of_another, of_no_step)


def test_a_run_that_was_told_to_end_goes_on_where_it_was(story: Story) -> None:
    found = story.at.objects
    assert sum(key.startswith("deliveries/") for key in story.held_between) == 1
    assert {key: found[key] for key in story.held_between} == story.held_between
    assert len(story.at.archived.records) == STEPS
    objects = {key: body for key, body in story.at.archived.objects.items() if key != story.of_another}
    holds_exactly(replace(story.at.archived, objects=objects), LINES)


def test_what_a_killed_start_left_and_isnt_made_again_is_removed_and_nothing_else(story: Story) -> None:
    assert not (story.at.archive / story.of_the_run).exists()
    assert (story.at.archive / story.of_another).exists()


def test_so_is_what_it_left_of_a_step_that_the_run_has_no_more(story: Story) -> None:
    assert not (story.at.archive / story.of_no_step).exists()


def test_a_dry_run_writes_nothing(story: Story) -> None:
    assert story.held_before == {}
    assert "nothing was written" in story.told_before


def test_a_dry_run_tells_the_objects_that_the_run_then_writes(story: Story) -> None:
    written = [
        key for key in story.at.objects if not key.startswith("deliveries/") and key != story.of_another
    ]
    for key in written:
        folder, _, name = key.rpartition("/")
        assert f"would be written: {folder}/" in story.told_before
        assert f"{name[TIME_LENGTH:]} (" in story.told_before
    assert story.told_before.count("would be written") == len(written)


def test_a_dry_run_of_a_run_that_was_begun_tells_what_is_left_of_it(story: Story) -> None:
    assert story.told_between.count("archived already") == len(story.held_between) - 1
    written = [
        key for key in story.at.objects if not key.startswith("deliveries/") and key != story.of_another
    ]
    assert all(key in story.told_between for key in written)


def test_a_dry_run_counts_by_type_date_and_message(story: Story) -> None:
    archived: dict[tuple[str, str], int] = {}
    messages: dict[str, int] = {}
    for record in story.at.archived.records:
        for one in record["deliveries"]:
            group = one["type"], one["partitionDate"]
            archived[group] = archived.get(group, 0) + one["count"]
        for one in record["errors"]:
            messages[one["message"]] = messages.get(one["message"], 0) + one["count"]
    for (type_, date), count in archived.items():
        of_type = story.told_before.partition(f"  {type_}: ")[2].partition("partition date")[2]
        assert f"    {date}: {count:,}" in of_type
    assert messages
    assert all(f"  {count:,}: {message}" in story.told_before for message, count in messages.items())


@pytest.fixture(scope="module")
def refused(place: MakePlace) -> tuple[Place, str]:
    """A run that had too many errors in its first step, and what it told."""
    at, told = place(), io.StringIO()
    file = at.directory / "events.jsonl"
    file.write_bytes(b"\n".join(LINES))
    with (
        redirect_stdout(told),
        pytest.raises(TooManyErrors, match=r"more than --max-error-rate 0\.001 allows"),
    ):
        at.run("events", file, step_bytes=file.stat().st_size // STEPS + 1, max_error_rate=0.001)
    return at, told.getvalue()


def test_too_many_errors_end_a_run_that_a_higher_rate_lets_go_on(refused: tuple[Place, str]) -> None:
    at, told = refused
    assert "archive errors:" in told
    assert len(at.archived.records) == 1
    with pytest.raises(RunUnfinished, match="start without --new-run"):
        run(at, new_run=True)
    run(at, max_error_rate=0.5)
    holds_exactly(at.archived, LINES)


def test_a_run_goes_on_with_the_steps_it_began_with_whatever_a_later_start_would_make(story: Story) -> None:
    assert [record["batchId"] for record in story.at.archived.records] == list(range(STEPS))


def test_a_step_under_which_something_else_is_archived_is_not_passed_over(place: MakePlace) -> None:
    at = place()
    run_interrupted(at)
    (record,) = (each for each in (at.archive / "runs").glob("*.json"))
    kept = json.loads(record.read_text())
    record.write_text(json.dumps({**kept, "plan": {**kept["plan"], "step_bytes": 1 << 30}}))
    with pytest.raises(BackfillError, match=r"step 0 of run .* is archived already, but of another part"):
        run(at)
    assert len(at.archived.records) == 1


def test_the_same_run_writes_the_same_names_and_bytes(refused: tuple[Place, str]) -> None:
    at, _ = refused
    before = at.objects
    for folder in ("data", "errors", "deliveries"):
        shutil.rmtree(at.archive / folder)
    for end in (at.archive / "runs").glob("*.finished.json"):
        end.unlink()
    run(at)
    assert at.objects == before


def test_a_new_run_archives_the_input_once_more(refused: tuple[Place, str]) -> None:
    at, _ = refused
    for _ in range(2):
        run(at, new_run=True, step_bytes=1 << 30)
    holds_exactly(at.archived, LINES, times=3)


def test_a_dry_run_in_which_too_many_events_fail_looks_at_all_of_them_first(place: MakePlace) -> None:
    at = place()
    with pytest.raises(TooManyErrors, match=rf"of {len(LINES)} change events failed"):
        run(at, dry_run=True, max_error_rate=0)
    assert not at.archived.objects


def test_a_damaged_run_record_is_told(place: MakePlace) -> None:
    at = place()
    with pytest.raises(TooManyErrors):
        run(at, max_error_rate=0, step_bytes=1 << 30)
    (record,) = (at.archive / "runs").glob("*.json")
    record.write_text("{}")
    with pytest.raises(BackfillError, match="is no run record"):
        run(at, step_bytes=1 << 30)
