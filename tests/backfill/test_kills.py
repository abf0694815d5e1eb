"""SIGKILL in the middle of a run, again and again, then the same command once more: everything is archived once.

The export and the archive lie on an emulated S3 behind a proxy, at which a request is held until every process is gone.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.demo.emulator import Emulator
from tests.backfill.checking import holds_exactly
from tests.backfill.exporting import export, insert_event, item_line
from tests.backfill.made_up import items
from tests.backfill.processes import Backfill
from tests.faults.kills import killed, on_arrival, once_done, run_killed
from tests.faults.proxy import Proxy, Rule, before
from tests.jobs.archived import Archived
from tests.jobs.conftest import conf
from tests.jobs.job import SECONDS, Finished

pytestmark = pytest.mark.timeout(4 * SECONDS)

PREFIX = "p/"


@dataclass(frozen=True)
class Story:
    """What the archive held at each kill and what it holds now, the finished run, and what it had to archive."""

    killed_at: list[Archived]
    archive: Archived
    finished: Finished
    payloads: list[bytes]
    registered: set[tuple[str, str]]


@dataclass(frozen=True)
class World:
    """An archive on the emulated S3, and backfills into it."""

    s3: Any
    glue: Any
    bucket: str
    backfill: Backfill

    @property
    def archived(self) -> Archived:
        """What the archive holds now."""
        return Archived.in_bucket(self.s3, self.bucket, PREFIX)

    def upload(self, directory: Path) -> None:
        """Every file below the directory, to the bucket's root."""
        for path in directory.rglob("*"):
            if path.is_file():
                key = path.relative_to(directory).as_posix()
                self.s3.put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes())

    def registered(self) -> Iterator[tuple[str, str]]:
        """Types and partition dates in the catalog."""
        database = self.backfill.conf["catalog"]["database"]
        for type_ in ("demand", "notification", "event", "sale"):
            pages = self.glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=type_)
            yield from ((type_, each["Values"][0]) for page in pages for each in page["Partitions"])


@pytest.fixture(scope="module")
def world(
    aws: Emulator, proxy: Proxy, bucket: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> World:
    """An empty one."""
    name, directory = bucket(), tmp_path_factory.mktemp("backfill")
    environment = {**aws.environment(), "AWS_ENDPOINT_URL": proxy.url}
    values = conf(directory, "fans", uri=f"s3://{name}/{PREFIX}", database=name.replace("-", "_"))
    return World(aws.client("s3"), aws.client("glue"), name, Backfill(directory, environment, values))


@pytest.fixture(scope="module")
def story(world: World, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """An export on S3, a step per file: each start is killed in a step of its own, at another point; the last one ends well."""
    made, of = export(tmp_path_factory.mktemp("export")), items(21, 300)
    for first in range(0, len(of), 100):
        made.add([item_line(item) for item in of[first : first + 100]])
    made.write()
    world.upload(made.folder.parents[1])
    folder = f"s3://{world.bucket}/AWSDynamoDB/{made.folder.name}"
    arguments = ("--from", "export", "--input", folder, "--step-bytes", "60000")
    killed_at = [before_a_delivery_record(world, proxy, arguments)]
    for point in (
        on_arrival(method="PUT", path="/data/", skip=2),
        once_done(method="PUT", path="/deliveries/"),
    ):
        run_killed(world.backfill, proxy, point, *arguments)
        killed_at.append(world.archived)
    finished = world.backfill.run(*arguments)
    payloads = [insert_event(item) for item in of]
    return Story(killed_at, world.archived, finished, payloads, set(world.registered()))


def before_a_delivery_record(world: World, proxy: Proxy, arguments: Sequence[str]) -> Archived:
    """Held before its second delivery record, when a second start comes; then killed."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        let_go.wait(SECONDS)

    with world.backfill.started(*arguments) as first_start:
        proxy.rules = [Rule(before(hold), method="PUT", path="/deliveries/", skip=1)]
        first_start.wait_for(held.is_set)
        second = world.backfill.run(*arguments)
        assert second.code == 1
        assert "is under way elsewhere" in second.err
        assert killed(first_start).code == -9
    proxy.rules = []
    let_go.set()
    return world.archived


def test_the_same_command_again_archives_everything_once(story: Story) -> None:
    assert story.finished.code == 0, story.finished.err
    holds_exactly(story.archive, story.payloads)


def test_each_start_was_killed_in_a_step_and_left_something_to_do(story: Story) -> None:
    """Before a delivery record, between containers of that step, once the delivery record was there."""
    assert [len(archive.records) for archive in story.killed_at] == [1, 1, 2]
    assert len(story.archive.records) == 3


def test_what_the_killed_run_wrote_stays_byte_by_byte(story: Story) -> None:
    for held in story.killed_at:
        kept = {key: body for key, body in held.objects.items() if not key.endswith(".lease")}
        assert any(key.startswith("data/") for key in kept)
        assert {key: story.archive.objects.get(key) for key in kept} == kept


def test_all_of_a_run_has_the_time_at_which_it_first_began(story: Story) -> None:
    (run,) = [
        json.loads(body)
        for key, body in story.archive.objects.items()
        if key.endswith(".json") and "runs/" in key and "finished" not in key
    ]
    assert {record["timestamp"] for record in story.archive.records} == {run["timestamp"]}
    assert {record["queryId"] for record in story.archive.records} == {run["runId"]}


def test_the_end_is_summed_up_for_people_and_in_the_archive(story: Story) -> None:
    (finished,) = [json.loads(body) for key, body in story.archive.objects.items() if "finished" in key]
    assert finished["counts"]["read"] == len(story.payloads)
    assert f"{len(story.payloads):,} change events" in story.finished.out
    assert f"run {finished['runId']} is finished" in story.finished.out


def test_every_partition_is_in_the_catalog(story: Story) -> None:
    written = {
        (one["type"], one["partitionDate"])
        for record in story.archive.records
        for one in record["deliveries"]
    }
    assert story.registered == written
    assert not any(record["pendingPartitions"] for record in story.archive.records)
