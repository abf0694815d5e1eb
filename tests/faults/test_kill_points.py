"""SIGKILL for all processes of the job, at each step of a stream's first batch and of its next; what follows archives everything once."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from jobs.demo.emulator import Emulator
from tests.faults.conftest import OnS3
from tests.faults.kills import MakeRule, on_arrival, once_done, run_killed, run_killed_at_file
from tests.faults.long import SECONDS
from tests.faults.proxy import Proxy
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed, logged
from tests.jobs.job import Finished
from tests.jobs.ledger import Entry

PREFIX, DATABASE = "some/prefix/", "dmd_kill_points"
OBJECT, RECORD = "/(data|errors)/", "/deliveries/"
SOME = 4


def steps(batch: int) -> dict[str, MakeRule]:
    """In the order of a batch. Each run but the first two is the replay of the batch, killed at its next step."""
    return {
        "while reading": on_arrival(target="GetRecords", skip=1),
        # A start looks up the delivery record of the batch before.
        "after the offset log": on_arrival(method="GET", path=RECORD, skip=batch),
        "while reading again": on_arrival(target="GetRecords", skip=1),
        "after the read, before the first PUT": on_arrival(method="PUT", path=OBJECT),
        "after some of the PUTs": on_arrival(method="PUT", path=OBJECT, skip=SOME),
        "during catalog sync": once_done(target="BatchCreatePartition"),
        "after all PUTs, before the delivery record": on_arrival(method="PUT", path=RECORD),
        "after the delivery record, before the commit log": once_done(method="PUT", path=RECORD),
    }


STEPS = list(steps(0))
AFTER_THE_COMMIT = "after the commit"
NOTHING_YET = STEPS[:4]
# By batch. What differs in a later one is where it starts reading, and what the start finds.
KILLS = {
    0: [*STEPS, AFTER_THE_COMMIT],
    1: ["while reading", "after the offset log", "after some of the PUTs", STEPS[-1], AFTER_THE_COMMIT],
}


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Snapshot:
    """What a killed run left: the archive, and the batches that Spark has logged and committed."""

    archive: Archived
    logged: set[int]
    committed: set[int]


@dataclass(frozen=True)
class Story:
    """A run killed at each step of two batches, and one that wasn't; ``began`` is the archive before each batch."""

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
    source, archiving, archived = on_s3(3, PREFIX, database=DATABASE)
    checkpoint = archiving.directory / "checkpoint"
    began: dict[int, Archived] = {}
    left: dict[tuple[int, str], Snapshot] = {}

    def snapshot() -> Snapshot:
        return Snapshot(archived(), logged(checkpoint), committed(checkpoint))

    for batch, kills in KILLS.items():
        began[batch] = archived()
        source.publish_some(seed=41 + batch, count=300)
        for step in kills[:-1]:
            run_killed(archiving, proxy, steps(batch)[step])
            left[batch, step] = snapshot()
        run_killed_at_file(archiving, checkpoint / "commits" / str(batch))
        left[batch, AFTER_THE_COMMIT] = snapshot()
    source.publish_some(seed=49, count=100)
    last = archiving.run()
    return Story(source.ledger, began, left, last, archived())


@pytest.mark.parametrize("batch", KILLS)
def test_each_kill_came_at_its_step(story: Story, batch: int) -> None:
    left = {step: story.left[batch, step] for step in KILLS[batch]}
    assert [step for step, each in left.items() if batch not in each.logged] == ["while reading"]
    assert {step for step in left if not story.new(batch, step)} == left.keys() & set(NOTHING_YET)
    some, all_ = (len(story.new(batch, step)) for step in ("after some of the PUTs", AFTER_THE_COMMIT))
    assert SOME <= some < all_
    recorded = [step for step, each in left.items() if len(each.archive.records) > batch]
    assert recorded == [STEPS[-1], AFTER_THE_COMMIT]
    assert [step for step, each in left.items() if batch in each.committed] == [AFTER_THE_COMMIT]


@pytest.mark.parametrize("step", ["during catalog sync", "after all PUTs, before the delivery record"])
def test_all_that_the_delivery_record_names_is_there_before_it(story: Story, step: str) -> None:
    assert story.new(0, step) == story.new(0, AFTER_THE_COMMIT)


@pytest.mark.parametrize(("batch", "step"), [(batch, step) for batch, of in KILLS.items() for step in of])
def test_what_was_written_before_the_kill_keeps_its_name_and_bytes(
    story: Story, batch: int, step: str
) -> None:
    assert story.left[batch, step].archive.objects.items() <= story.archive.objects.items()


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    assert not any(line["replayed"] for line in story.last.succeeded().batches)
    story.archive.holds(story.ledger)


def test_the_catalog_has_every_partition(story: Story, aws: Emulator) -> None:
    pages = aws.client("glue").get_paginator("get_partitions")
    for type_ in ("demand", "notification", "event", "sale"):
        found = {each["Values"][0] for page in pages.paginate(DatabaseName=DATABASE, TableName=type_) for each in page["Partitions"]}  # fmt: skip
        delivered = {one["partitionDate"] for record in story.archive.records for one in record["deliveries"] if one["type"] == type_}  # fmt: skip
        assert found == delivered
