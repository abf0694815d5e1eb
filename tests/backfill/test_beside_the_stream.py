"""A gap of the stream filled beside the running job, then errors redriven; each killed half-way and started again.

A first job archived with schemas that made errors of records, and lost its checkpoint. A second one began at LATEST, so what came
in between is a gap. All of it on an emulated AWS, behind a proxy at which a request is held until every process is gone.
"""

import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.demo.emulator import Emulator
from jobs.instants import iso, now
from tests.backfill.ledgers import archivable, events_of_errors, holds_each_once, sequences
from tests.backfill.mistakes import BY_MISTAKE, phone_required
from tests.backfill.processes import Backfill
from tests.faults.kills import on_arrival, run_killed
from tests.faults.one_process import OneProcess, one_process
from tests.faults.proxy import Proxy, Rule
from tests.jobs.archived import Archived
from tests.jobs.job import SECONDS, Finished, Job
from tests.jobs.ledger import Entry, Producer
from tests.schemas.copies import edited

pytestmark = pytest.mark.timeout(4 * SECONDS)

PREFIX = "p/"
RECORD = "/deliveries/"


@dataclass(frozen=True)
class Killed:
    """The archive when a run was killed, and what became of another run that was started just before."""

    archive: Archived
    other: Finished


@dataclass(frozen=True)
class Window:
    """The backfill that was killed, and its second start."""

    killed: Killed
    filling: Finished


@dataclass(frozen=True)
class Redriven:
    """The redrive that was killed, its second start, the archive after it, and an audit of that."""

    killed: Killed
    redriving: Finished
    archive: Archived
    verified: Finished


@dataclass(frozen=True)
class Story:
    """All that was put on the stream, what of it was the gap, the archive with the gap filled."""

    ledger: Sequence[Entry]
    gap: Sequence[Entry]
    filled: Archived
    window: Window
    redriven: Redriven


@dataclass(frozen=True)
class World:
    """The stream, the archive on S3, and a process for backfills, whose AWS is the proxy."""

    source: Producer
    s3: Any
    bucket: str
    proxy: Proxy
    process: OneProcess

    def archived(self) -> Archived:
        """What the archive holds now."""
        return Archived.in_bucket(self.s3, self.bucket, PREFIX)

    def killed(self, *arguments: str, other: Sequence[str]) -> Killed:
        """A backfill that is killed before its second delivery record, once another one was started meanwhile."""
        others: list[Finished] = []

        def rule(kill: Callable[[], object]) -> Rule:
            def act() -> None:
                others.append(self.process.command("backfill", *other))
                kill()

            return on_arrival(method="PUT", path=RECORD, skip=1)(act)

        run_killed(self.process.job, self.proxy, rule, *arguments)
        return Killed(self.archived(), others[0])


@pytest.fixture(scope="module")
def story(
    aws: Emulator,
    proxy: Proxy,
    job: Callable[..., Job],
    producer: Callable[[int], Producer],
    bucket: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    source, name = producer(2), bucket()
    uri = f"s3://{name}/{PREFIX}"
    source.publish_some(seed=71, count=900)
    first_job(job(source.stream, uri=uri, max_records_per_batch=300), tmp_path_factory.mktemp("schemas"))
    gap = source.publish_some(seed=72, count=450)
    streaming = job(source.stream, uri=uri, start="LATEST")
    conf = {**streaming.conf, "source": {"stream": source.stream, "max_records_per_batch": 125}}
    environment = {**aws.environment(), "AWS_ENDPOINT_URL": proxy.url}
    backfill = Backfill(tmp_path_factory.mktemp("backfill"), environment, conf)
    with one_process(backfill) as process:
        world = World(source, aws.client("s3"), name, proxy, process)
        window = fill_gap(world, streaming)
        filled = world.archived()
        redrive = ("--from", "errors", "--message", "phoneNumber", "--step-bytes", "100000")
        redrive_killed = world.killed(*redrive, other=("--from", "errors"))
        redriving = process.command("backfill", *redrive)
        redriven = Redriven(redrive_killed, redriving, world.archived(), process.command("verify"))
    return Story(source.ledger, gap, filled, window, redriven)


def fill_gap(world: World, streaming: Job) -> Window:
    """The gap filled while the second job runs and its stream goes on."""
    checkpoint = Path(streaming.conf["archive"]["checkpoint"])
    with streaming.started() as running:
        running.wait_for((checkpoint / "kinesis" / "start.json").exists)
        world.source.publish_some(seed=73, count=150)
        running.wait_for(lambda: bool(running.batches()))
        window = ("--from", "kinesis", "--since", "-1h", "--as-of", iso(now()))
        other = ("--from", "kinesis", "--since", "-2h")
        killed = world.killed(*window, other=other)
        world.source.publish_some(seed=74, count=150)
        filling = world.process.command("backfill", *window)
        running.wait_for(lambda: sum(batch["read"] for batch in running.batches()) == 300)
        running.end(signal.SIGTERM)
    return Window(killed, filling)


def first_job(archiving: Job, schemas: Path) -> None:
    """The first job, with the schemas that made the mistake."""
    directory = edited(schemas, {"demand": phone_required})
    script = Path(__file__).parents[1] / "faults" / "other_schemas.py"
    start = [sys.executable, "-P", str(script), str(directory)]
    command = [*start, "--conf", str(archiving.conf_file()), "--until-caught-up"]
    with archiving.process(command, {}) as running:
        running.end().succeeded()


def test_with_the_gap_filled_the_archive_holds_every_change_event_once(story: Story) -> None:
    assert story.window.filling.code == 0, story.window.filling.err
    stricter_errors = len(events_of_errors(story.filled)[BY_MISTAKE])
    rows = story.filled.all_rows().total() + sum(map(len, events_of_errors(story.filled).values()))
    assert (rows, stricter_errors > 100) == (len(story.ledger), True)
    assert max(sequences(story.filled).values()) <= len({entry.shard for entry in story.ledger})


def test_the_backfill_took_the_gap_and_nothing_of_the_streaming_job(story: Story) -> None:
    steps = [record for record in story.filled.records if record["kind"] == "backfill"]
    assert sum(step["counts"]["read"] for step in steps) == len(story.gap)
    assert len(steps) > 3


def test_the_killed_run_went_on_where_it_was_to_the_same_names_and_bytes(story: Story) -> None:
    assert sum(record["kind"] == "backfill" for record in story.window.killed.archive.records) >= 1
    kept = {
        key: body for key, body in story.window.killed.archive.objects.items() if not key.endswith(".lease")
    }
    assert kept.items() <= story.filled.objects.items()
    runs = {record["queryId"] for record in story.filled.records if record["kind"] == "backfill"}
    assert len(runs) == 1


def test_of_two_that_could_take_the_same_for_theirs_the_second_says_so_and_ends(story: Story) -> None:
    for other in (story.window.killed.other, story.redriven.killed.other):
        assert other.code == 1
        assert "is under way elsewhere" in other.err


def test_redriven_after_the_fix_every_change_event_is_a_record_or_a_just_error_once(story: Story) -> None:
    assert story.redriven.redriving.code == 0, story.redriven.redriving.err
    assert archivable(events_of_errors(story.redriven.archive).get(BY_MISTAKE, ())) == 0
    holds_each_once(story.redriven.archive, [entry.data for entry in story.ledger])


def test_the_killed_redrive_went_on_where_it_was(story: Story) -> None:
    kept = {
        key: body for key, body in story.redriven.killed.archive.objects.items() if not key.endswith(".lease")
    }
    assert kept.items() <= story.redriven.archive.objects.items()
    steps = [record for record in story.redriven.archive.records if record["kind"] == "redrive"]
    assert sorted(step["batchId"] for step in steps) == list(range(len(steps)))
    assert len(steps) > 1
    linked = Counter(key for step in steps for key in step["source"]["errors"])
    assert set(linked.values()) == {1}


def test_verify_finds_nothing_neither_gap_nor_overlap_nor_leftover(story: Story) -> None:
    assert story.redriven.verified.code == 0, story.redriven.verified.out
