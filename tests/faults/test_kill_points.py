"""SIGKILL for all processes of the job, at each step of a stream's first batch, then in its next; what follows archives everything once.

The job starts at LATEST: what that means has to outlive the kill while the job reads, when nothing is logged yet.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from jobs.demo.emulator import Emulator
from tests.faults.conftest import OnS3
from tests.faults.kills import MakeRule, being_killed, on_arrival, once_done, run_killed
from tests.faults.long import SECONDS
from tests.faults.proxy import Proxy, Rule
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed, logged
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer

PREFIX, DATABASE = "some/prefix/", "dmd_kill_points"
OBJECT, RECORD = "/(data|errors)/", "/deliveries/"
SOME = 4


# In the order of a batch. Each run but the first two is the replay of the batch, killed at its next step.
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
*_, RECORDED = STEPS
AFTER_THE_COMMIT = "after the commit"
NOTHING_YET = list(STEPS)[:4]
# By batch. What differs in a later one is where it starts reading, and what the start finds.
KILLS = {0: list(STEPS), 1: ["while reading", "after some of the PUTs", RECORDED]}


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Snapshot:
    """What a killed run left: the archive, and the batches that Spark has logged and committed."""

    archive: Archived
    logged: set[int]
    committed: set[int]


@dataclass(frozen=True)
class Story:
    """Runs killed at each step of two batches, and one that wasn't; ``began`` is the archive before each batch.

    In the ledger is what came after the start.
    """

    ledger: list[Entry]
    began: dict[int, Archived]
    left: dict[tuple[int, str], Snapshot]
    last: Finished
    archive: Archived

    def new(self, batch: int, step: str) -> dict[str, bytes]:
        """The batch's objects in the archive after the kill at that step, but for the delivery record."""
        objects, before = self.left[batch, step].archive.objects, self.began[batch].objects
        return {key: body for key, body in objects.items() if key not in before and "deliveries/" not in key}


@pytest.fixture(scope="module")
def story(proxy: Proxy, on_s3: Callable[..., OnS3]) -> Story:
    source, archiving, archived = on_s3(3, PREFIX, start="LATEST", database=DATABASE)
    checkpoint = archiving.directory / "checkpoint"
    began: dict[int, Archived] = {}
    left: dict[tuple[int, str], Snapshot] = {}

    def snapshot() -> Snapshot:
        return Snapshot(archived(), logged(checkpoint), committed(checkpoint))

    before = len(source.publish_some(seed=40, count=40))
    for batch, (first, *others) in KILLS.items():
        began[batch] = archived()
        if batch == 0:
            kill_while_first_reading(archiving, proxy, source)
        else:
            source.publish_some(seed=42, count=300)
            run_killed(archiving, proxy, STEPS[first])
        left[batch, first] = snapshot()
        for step in others:
            run_killed(archiving, proxy, STEPS[step])
            left[batch, step] = snapshot()
    # Nothing is read of a batch before the one before it is committed: that kill was both.
    left[0, AFTER_THE_COMMIT] = left[1, "while reading"]
    source.publish_some(seed=49, count=100)
    last = archiving.run()
    return Story(source.ledger[before:], began, left, last, archived())


def kill_while_first_reading(archiving: Job, proxy: Proxy, source: Producer) -> None:
    """What is to be archived comes once the start is kept, before the kill."""
    published = threading.Event()

    def held(kill: Callable[[], object]) -> Rule:
        return STEPS["while reading"](lambda: published.wait(SECONDS) and kill())

    with being_killed(archiving, proxy, held) as running:
        running.wait_for((archiving.directory / "checkpoint" / "kinesis" / "start.json").exists)
        source.publish_some(seed=41, count=300)
        published.set()


@pytest.mark.parametrize("batch", KILLS)
def test_each_kill_came_at_its_step(story: Story, batch: int) -> None:
    left = {step: each for (of, step), each in story.left.items() if of == batch}
    assert [step for step, each in left.items() if batch not in each.logged] == ["while reading"]
    assert {step for step in left if not story.new(batch, step)} == left.keys() & set(NOTHING_YET)
    some, all_ = (len(story.new(batch, step)) for step in ("after some of the PUTs", RECORDED))
    assert SOME <= some < all_
    recorded = {step for step, each in left.items() if len(each.archive.records) > batch}
    assert recorded == left.keys() & {RECORDED, AFTER_THE_COMMIT}
    assert {step for step, each in left.items() if batch in each.committed} == left.keys() & {
        AFTER_THE_COMMIT
    }


@pytest.mark.parametrize("step", ["during catalog sync", "after all PUTs, before the delivery record"])
def test_all_that_the_delivery_record_names_is_there_before_it(story: Story, step: str) -> None:
    assert story.new(0, step) == story.new(0, RECORDED)


@pytest.mark.parametrize(("batch", "step"), [(batch, step) for batch, of in KILLS.items() for step in of])
def test_what_was_written_before_the_kill_keeps_its_name_and_bytes(
    story: Story, batch: int, step: str
) -> None:
    assert story.left[batch, step].archive.objects.items() <= story.archive.objects.items()


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    assert [(line["batchId"], line["replayed"]) for line in story.last.succeeded().batches] == [
        (1, True),
        (2, False),
    ]
    story.archive.holds(story.ledger)


def test_the_catalog_has_every_partition(story: Story, aws: Emulator) -> None:
    pages = aws.client("glue").get_paginator("get_partitions")
    for type_ in ("demand", "notification", "event", "sale"):
        found = {each["Values"][0] for page in pages.paginate(DatabaseName=DATABASE, TableName=type_) for each in page["Partitions"]}  # fmt: skip
        delivered = {one["partitionDate"] for record in story.archive.records for one in record["deliveries"] if one["type"] == type_}  # fmt: skip
        assert found == delivered
