"""SIGKILL for all processes of the job, at each step of a batch in turn; what follows archives everything once."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from jobs.demo.emulator import Emulator
from tests.faults.kills import MakeRule, on_arrival, once_done, run_killed, run_killed_at_file
from tests.faults.long import SECONDS
from tests.faults.proxy import Proxy
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer

PREFIX, DATABASE = "some/prefix/", "dmd_kill_points"
OBJECT, RECORD = "/(data|errors)/", "/deliveries/"
SOME = 4
# In the order of a batch. Each run but the first two is the replay of batch 0, killed at its next step.
STEPS: dict[str, MakeRule] = {
    "while reading": on_arrival(target="GetRecords", skip=1),
    "after the offset log": on_arrival(method="GET", path=RECORD),
    "while reading again": on_arrival(target="GetRecords", skip=1),
    "after the read, before the first PUT": on_arrival(method="PUT", path=OBJECT),
    "after some of the PUTs": on_arrival(method="PUT", path=OBJECT, skip=SOME),
    "during catalog sync": once_done(target="BatchCreatePartition"),
    "after all PUTs, before the delivery record": on_arrival(method="PUT", path=RECORD),
    "after the delivery record, before the commit log": once_done(method="PUT", path=RECORD),
}
AFTER_THE_COMMIT = "after the commit"
NOTHING_YET = list(STEPS)[:4]


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Snapshot:
    """What a killed run left."""

    archive: Archived
    logged: bool
    committed: set[int]


@dataclass(frozen=True)
class Story:
    """A run killed at each step, and one that wasn't."""

    ledger: list[Entry]
    left: dict[str, Snapshot]
    last: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(
    aws: Emulator,
    proxy: Proxy,
    proxied_job: Callable[..., Job],
    producer: Callable[[int], Producer],
    bucket: Callable[[], str],
) -> Story:
    source, name, s3 = producer(3), bucket(), aws.client("s3")
    archiving = proxied_job(source.stream, uri=f"s3://{name}/{PREFIX}", database=DATABASE)
    checkpoint = archiving.directory / "checkpoint"
    source.publish_some(seed=41, count=500)
    left: dict[str, Snapshot] = {}

    def snapshot() -> Snapshot:
        logged = (checkpoint / "offsets" / "0").exists()
        return Snapshot(Archived.in_bucket(s3, name, PREFIX), logged, committed(checkpoint))

    for step, rule in STEPS.items():
        run_killed(archiving, proxy, rule)
        left[step] = snapshot()
    run_killed_at_file(archiving, checkpoint / "commits" / "0")
    left[AFTER_THE_COMMIT] = snapshot()
    source.publish_some(seed=42, count=100)
    last = archiving.run()
    return Story(source.ledger, left, last, Archived.in_bucket(s3, name, PREFIX))


def test_each_kill_came_at_its_step(story: Story) -> None:
    left = story.left
    assert [step for step, each in left.items() if not each.logged] == ["while reading"]
    assert [step for step, each in left.items() if not each.archive.objects] == NOTHING_YET
    assert len(left["after some of the PUTs"].archive.objects) >= SOME
    assert len(left["after some of the PUTs"].archive.objects) < len(
        left["during catalog sync"].archive.objects
    )
    assert [step for step, each in left.items() if each.archive.records] == [*STEPS, AFTER_THE_COMMIT][-2:]
    assert [step for step, each in left.items() if each.committed] == [AFTER_THE_COMMIT]


@pytest.mark.parametrize("step", [*STEPS, AFTER_THE_COMMIT])
def test_what_was_written_before_the_kill_keeps_its_name_and_bytes(story: Story, step: str) -> None:
    assert story.left[step].archive.objects.items() <= story.archive.objects.items()


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    assert not any(line["replayed"] for line in story.last.succeeded().batches)
    story.archive.holds(story.ledger)


def test_the_catalog_has_every_partition(story: Story, aws: Emulator) -> None:
    pages = aws.client("glue").get_paginator("get_partitions")
    for type_ in ("demand", "notification", "event", "sale"):
        found = {each["Values"][0] for page in pages.paginate(DatabaseName=DATABASE, TableName=type_) for each in page["Partitions"]}  # fmt: skip
        delivered = {one["partitionDate"] for record in story.archive.records for one in record["deliveries"] if one["type"] == type_}  # fmt: skip
        assert found == delivered
