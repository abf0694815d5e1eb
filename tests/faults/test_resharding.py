"""Ten rounds of splits and merges under load, reshards while the job is down, and a start after all of them."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.emulators import EmulatedKinesis
from tests.faults.load import filling
from tests.faults.long import SECONDS
from tests.faults.one_process import one_process
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job, Running
from tests.jobs.ledger import Entry, Producer
from tests.sources.reading import Producer as Resharder

ROUNDS, A_ROUND = 10, 20


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """A run under which the stream was resharded, one after it was resharded again, and one of another job later.

    ``during`` is how many change events came while each change of the shards under load was made.
    """

    ledger: list[Entry]
    during: list[int]
    under_load: Finished
    after: Finished
    archive: Archived
    late: Finished
    another: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], kinesis_mock: EmulatedKinesis) -> Story:
    stream = kinesis_mock.create_stream(2)
    source, shards = Producer(kinesis_mock.client(), stream), Resharder(kinesis_mock, stream)
    environment = {**os.environ, **kinesis_mock.environment}
    archiving = job(stream, environment)
    during: list[int] = []
    with archiving.started() as running:
        with filling(source, 200, pause=0.05, a_call=5, calls=3000):
            for number in range(ROUNDS):
                batches = len(running.batches())
                running.wait_for(lambda batches=batches: len(running.batches()) > batches)  # type: ignore[misc]
                before = len(source.ledger)
                shards.split(number % 2) if number % 2 == 0 else shards.merge(number % 2)
                during.append(len(source.ledger) - before)
        running.wait_for(lambda: read(running) == len(source.ledger))
        under_load = running.end(signal.SIGTERM)
    source.publish_some(4000, A_ROUND)
    shards.split()
    source.publish_some(4001, A_ROUND)
    shards.merge(1)
    source.publish_some(4002, A_ROUND)
    late = archiving.directory / "late"
    elsewhere = [f"archive.uri={late / 'archive'}", f"archive.checkpoint={late / 'checkpoint'}"]
    with one_process(archiving) as process:
        after = process.run()
        from_the_horizon = process.run("--set", elsewhere[0], "--set", elsewhere[1])
    return Story(
        source.ledger,
        during,
        under_load,
        after,
        Archived.in_directory(archiving.directory / "archive"),
        from_the_horizon,
        Archived.in_directory(late / "archive"),
    )


def read(running: Running) -> int:
    return sum(line["read"] for line in running.batches())


def test_ten_rounds_of_splits_and_merges_under_load(story: Story) -> None:
    story.under_load.succeeded()
    shards = {shard for record in story.archive.records for shard in record["source"]["shards"]}
    assert len(shards) >= 2 + ROUNDS
    assert sum(count > 0 for count in story.during) >= ROUNDS // 2


def test_resharded_while_the_job_was_down(story: Story) -> None:
    story.after.succeeded()
    story.archive.holds(story.ledger)


def test_trim_horizon_on_a_stream_already_resharded(story: Story) -> None:
    story.late.succeeded()
    story.another.holds(story.ledger)
