"""Shards split and merge while the job runs and while it is down; every record is archived exactly once."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.emulators import EmulatedKinesis
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job, Running
from tests.jobs.ledger import Entry, Producer
from tests.sources.reading import Producer as Resharder


@dataclass(frozen=True)
class Story:
    """A run under which the stream was resharded, and one after it was resharded again."""

    ledger: list[Entry]
    first: Finished
    second: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], kinesis_mock: EmulatedKinesis) -> Story:
    stream = kinesis_mock.create_stream(2)
    source, shards = Producer(kinesis_mock.client(), stream), Resharder(kinesis_mock, stream)
    archiving = job(stream, {**os.environ, **kinesis_mock.environment})
    with archiving.started() as running:
        source.publish_some(seed=31, count=60)
        running.wait_for(lambda: read(running) >= 60)
        shards.split()
        source.publish_some(seed=32, count=60)
        running.wait_for(lambda: read(running) >= 120)
        shards.merge(1)
        source.publish_some(seed=33, count=60)
        first = running.interrupt()
    source.publish_some(seed=34, count=30)
    shards.merge()
    shards.split()
    source.publish_some(seed=35, count=60)
    second = archiving.run()
    return Story(source.ledger, first, second, Archived.in_directory(archiving.directory / "archive"))


def read(running: Running) -> int:
    return sum(line["read"] for line in running.batches())


def test_ctrl_c_ends_the_job_between_two_batches(story: Story) -> None:
    story.first.succeeded()
    assert story.first.lines[-2]["reason"] == "SIGINT"


def test_the_next_run_ends_well(story: Story) -> None:
    story.second.succeeded()


def test_every_record_is_archived_exactly_once(story: Story) -> None:
    story.archive.holds(story.ledger)


def test_the_records_come_from_parents_and_children(story: Story) -> None:
    shards = [record["source"]["shards"] for record in story.archive.records]
    assert len({shard for each in shards for shard in each}) >= 5
    assert any(moved["to"] == "SHARD_END" for each in shards for moved in each.values())
