"""Archive errors redriven after a fix: what passes is archived once and linked, what doesn't stays where it was."""

import base64
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import schemas
from jobs.backfill.error_objects import Wanted, read_events
from jobs.backfill.errors import BadInput
from jobs.backfill.options import Options
from jobs.backfill.redrive import RedriveInput
from jobs.backfill.run import backfill
from jobs.backfill.steps import Work
from jobs.backfill.totals import Totals
from jobs.backfill.windows import Window
from jobs.batch import Batch
from jobs.instants import from_iso
from jobs.sinks.deliveries import iter_delivery_records, write_delivery_record
from jobs.sinks.records import DeliveryRecord, delivery_record
from jobs.sinks.storage import open_storage
from jobs.stopping import RunInterrupted
from tests.backfill.conftest import MakePlace, Place
from tests.backfill.ledgers import archivable, events_of_errors, holds_each_once
from tests.backfill.made_up import event_lines
from tests.backfill.mistakes import BY_MISTAKE, phone_required
from tests.jobs.archived import Archived
from tests.schemas.copies import edited
from transforms.messages import Message


@dataclass(frozen=True)
class Told:
    """An archive after a run, and what the run said."""

    archive: Archived
    out: str

    @property
    def objects(self) -> Mapping[str, bytes]:
        """What is archived."""
        return {key: body for key, body in self.archive.objects.items() if not key.startswith("runs/")}

    @property
    def redrives(self) -> list[dict[str, Any]]:
        """The delivery records of redrives."""
        return [record for record in self.archive.records if record["kind"] == "redrive"]


@dataclass(frozen=True)
class Story:
    """An archive full of errors made by mistake, and what became of it."""

    place: Place
    payloads: list[bytes]
    before: Told
    rehearsed: Told
    one: Told
    rest: Told
    nothing_left: Told
    once_more: Told


@contextmanager
def ended_after_first_step() -> Iterator[None]:
    """A run that is told to end while it counts its first step."""
    count = Totals.add

    def told(*step: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        count(*step)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Totals, "add", told)
        with pytest.raises(RunInterrupted, match="SIGTERM"):
            yield


@pytest.fixture(scope="module")
def story(place: MakePlace, tmp_path_factory: pytest.TempPathFactory) -> Story:
    here, payloads = place(), [each for each in event_lines(61, 650) if len(each) < 100_000]
    lines = here.directory / "events"
    lines.mkdir()
    (lines / "all.jsonl").write_bytes(b"\n".join(payloads))
    capture = pytest.MonkeyPatch()
    said: list[str] = []

    def told() -> Told:
        out = "\n".join(said)
        said.clear()
        return Told(here.archived, out)

    def redrive(**options: Any) -> Told:
        backfill(here.settings, Options("errors", **options))
        return told()

    def ended_and_gone_on_with() -> Told:
        with ended_after_first_step():
            redrive(step_bytes=100_000)
        said.clear()
        return redrive()

    directory = edited(tmp_path_factory.mktemp("schemas"), {"demand": phone_required})
    packaged = schemas.load
    with capture.context() as patched:
        patched.setattr("builtins.print", lambda *words, **_: said.append(" ".join(map(str, words))))
        patched.setattr(schemas, "load", lambda: packaged(directory))
        here.run("events", lines, step_bytes=400_000)
        patched.setattr(schemas, "load", packaged)
        before = told()
        first_error = min(key for key, body in before.objects.items() if BY_MISTAKE.encode() in body[:200])
        return Story(
            here,
            payloads,
            before,
            redrive(dry_run=True),
            redrive(messages=("phoneNumber is missing",), keys=(first_error,)),
            ended_and_gone_on_with(),
            redrive(),
            redrive(messages=("phoneNumber is missing",), again=True),
        )


def test_the_mistake_made_errors_of_records(story: Story) -> None:
    events = events_of_errors(story.before.archive)
    assert len(events[BY_MISTAKE]) > 100
    assert len([key for key, body in story.before.objects.items() if BY_MISTAKE.encode() in body[:200]]) > 1


def test_a_rehearsal_writes_nothing_and_tells_what_passes_and_what_blocks(story: Story) -> None:
    assert story.rehearsed.archive.objects == story.before.archive.objects
    failing = events_of_errors(story.before.archive)
    assert f"{archivable(failing.pop(BY_MISTAKE)):,} archived" in story.rehearsed.out
    blocking = story.rehearsed.out.partition("failed again")[2]
    assert all(f": {message}" in blocking for message in failing)
    assert BY_MISTAKE not in blocking


def test_filters_choose_the_error_objects(story: Story) -> None:
    (record,) = story.one.redrives
    assert len(record["source"]["errors"]) == 1


def test_every_event_is_in_the_archive_exactly_once_and_only_what_fails_is_still_an_error(
    story: Story,
) -> None:
    holds_each_once(story.rest.archive, story.payloads)


def test_nothing_that_was_archived_has_changed(story: Story) -> None:
    for earlier, later in (
        (story.before, story.one),
        (story.one, story.rest),
        (story.rest, story.nothing_left),
    ):
        assert earlier.objects.items() <= later.objects.items()


def test_delivery_records_link_each_record_to_the_error_it_came_from(story: Story) -> None:
    linked: Counter[tuple[str, int]] = Counter()
    for record in story.rest.redrives:
        assert record["errors"] == []
        indices = record["source"]["errors"]
        linked.update((key, index) for key, of in indices.items() for index in of)
        assert record["counts"]["archived"] == sum(map(len, indices.values())) == record["counts"]["read"]
    assert set(linked.values()) == {1}
    events = {key: json.loads(story.before.objects[key])["events"] for key, _ in linked}
    due = Counter(json.loads(events[key][index])["eventID"] for key, index in linked)
    redriven = story.rest.archive.all_rows() - story.before.archive.all_rows()
    assert Counter(json.loads(row)["change"]["id"] for row in redriven.elements()) == due


def test_a_redrive_that_goes_on_tells_all_that_blocks_and_not_only_what_it_met_itself(story: Story) -> None:
    steps = [record for record in story.rest.redrives if record not in story.one.redrives]
    left = sum(map(len, events_of_errors(story.rest.archive).values()))
    ends = [body for key, body in story.rest.archive.objects.items() if key.endswith(".finished.json")]
    summary = next(end for end in map(json.loads, ends) if end["runId"] == steps[0]["queryId"])
    assert len(steps) > 1
    assert summary["counts"]["left"] == left
    blocking = story.rest.out.partition("failed again")[2].splitlines()[1:]
    told = [line.strip().partition(": ")[0].replace(",", "") for line in blocking if line.startswith("  ")]
    assert sum(map(int, told)) == left


def test_what_was_redriven_counts_as_archived(story: Story) -> None:
    containers = [key for key in story.nothing_left.objects if key.startswith("data/")]
    assert sorted(containers) == sorted(key for key in story.rest.objects if key.startswith("data/"))
    assert "0 archived" in story.nothing_left.out


def test_unless_it_is_asked_for_again(story: Story) -> None:
    passing = archivable(events_of_errors(story.before.archive)[BY_MISTAKE])
    added = story.once_more.archive.all_rows() - story.nothing_left.archive.all_rows()
    assert f"{passing:,} archived" in story.once_more.out
    assert added.total() == passing


def test_an_error_object_that_somebody_changed_is_no_input(story: Story) -> None:
    storage = story.place.settings.archive.open_archive()
    error = next(one for record in iter_delivery_records(storage) for one in record.errors)
    with pytest.raises(BadInput, match="other bytes"):
        read_events(storage, Wanted(error.storage["key"], error.message, "0" * 64, [0]))


def test_payloads_that_are_no_utf8_are_what_they_were(place: MakePlace) -> None:
    storage = place().settings.archive.open_archive()
    payload = b'{"broken": "\xff\xfe"}'
    content = {"error": {"message": Message.NOT_UTF8}, "events": [base64.b64encode(payload).decode()]}
    storage.put("errors/a.json", json.dumps(content).encode())
    stored = storage.stat("errors/a.json")
    assert stored is not None
    assert read_events(storage, Wanted("errors/a.json", Message.NOT_UTF8, stored.sha256, [0])) == [payload]


def test_time_is_that_of_the_errors_batch(story: Story) -> None:
    storage = story.place.settings.archive.open_archive()
    time = from_iso(story.before.archive.records[0]["timestamp"])
    assert RedriveInput(storage, Window(None, time)).plan() == []
    of_the_batch = RedriveInput(storage, Window(time, time + timedelta(milliseconds=1)), again=True)
    errors = [error for record in story.before.archive.records for error in record["errors"]]
    assert of_the_batch.total(of_the_batch.plan()) == len(errors) > 0


def test_of_a_step_that_is_archived_already_is_left_what_neither_it_nor_another_run_redrove(
    tmp_path: Path,
) -> None:
    storage = open_storage(str(tmp_path))
    keys = [f"errors/2026-03-01T00-00-00.000Z-{name}.json" for name in "abc"]

    def delivered(run: str, errors: dict[str, list[int]]) -> DeliveryRecord:
        batch = Batch("redrive", run, 0, "2026-03-02T00:00:00.000Z")
        record = delivery_record(batch, version="1", source={"errors": errors}, read=0, written=[])
        return write_delivery_record(storage, batch, record)

    delivered("another", {keys[1]: [1]})
    own = delivered("run", {keys[0]: [0, 2], keys[1]: [0]})
    plan = [[[keys[0], "one", "", 3], [keys[1], "two", "", 4], [keys[2], "one", "", 5]]]
    work = Work(None, "run", plan, lambda rows: rows, lambda _: own)  # type: ignore[arg-type]  # no row is looked at
    (step,) = RedriveInput(storage, Window(None, None)).steps(work)
    assert step.left == {"one": 1 + 5, "two": 2}
