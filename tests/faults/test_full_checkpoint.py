"""A disk that fills up under the checkpoint: Spark can't log a batch, the job ends and says why, and goes on when there is room."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

import pytest

from tests.faults.conftest import OnS3
from tests.faults.long import SECONDS
from tests.faults.one_process import one_process
from tests.faults.processes import fill_disk, make_room
from tests.faults.proxy import Proxy, Rule, after
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed
from tests.jobs.job import Finished
from tests.jobs.ledger import Entry

PREFIX = "some/prefix/"

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """No room for the log of what is done, then none for the log of what is to be done, then room again.

    ``puts`` are those of the last run.
    """

    ledger: list[Entry]
    at_the_commit: Finished
    committed: set[int]
    after_commit: Archived
    at_the_offsets: Finished
    last: Finished
    puts: list[str]
    archive: Archived


@pytest.fixture(scope="module")
def story(proxy: Proxy, on_s3: Callable[..., OnS3]) -> Story:
    source, archiving, archived = on_s3(2, PREFIX)
    source.publish_some(seed=103, count=60)
    checkpoint = archiving.directory / "checkpoint"

    def fill_up() -> None:
        process.running.wait_for(lambda: 0 in committed(checkpoint))
        fill_disk(pid)
        source.publish_some(seed=104, count=60)

    with one_process(archiving) as process:
        pid = process.running.process.pid
        proxy.rules = [Rule(after(lambda: fill_disk(pid)), "PUT", "/deliveries/")]
        at_the_commit = process.run()
        proxy.rules = []
        done, left = committed(checkpoint), archived()
        make_room(pid)
        at_the_offsets = process.run_while(fill_up)
        make_room(pid)
        so_far = len(proxy.requests)
        last = process.run()
    puts = [request.path for _, request in proxy.requests[so_far:] if request.method == "PUT"]
    return Story(source.ledger, at_the_commit, done, left, at_the_offsets, last, puts, archived())


@pytest.mark.parametrize("moment", ["at_the_commit", "at_the_offsets"])
def test_the_job_ends_and_one_line_says_what_to_do(story: Story, moment: str) -> None:
    ended: Finished = getattr(story, moment)
    assert ended.code == 1
    (line,) = ended.complaints
    assert line.startswith("archive: Spark can't write its files, those of archive.checkpoint")
    assert line.endswith("(File too large): see to the disk, then go on")


def test_a_batch_that_spark_could_not_log_as_done_is_replayed_with_the_same_bytes(story: Story) -> None:
    assert story.committed == set()
    assert len(story.after_commit.records) == 1
    assert story.after_commit.objects.items() <= story.archive.objects.items()


def test_with_room_again_every_change_event_is_archived_exactly_once(story: Story) -> None:
    story.last.succeeded()
    story.archive.holds(story.ledger)


def test_a_batch_costs_one_put_for_each_group_and_one_for_its_delivery_record(story: Story) -> None:
    objects = {key for key in story.archive.objects if key not in story.after_commit.objects}
    archived = {unquote(path).split(PREFIX)[1] for path in story.puts}
    assert len(story.last.batches) == 1
    assert archived == objects
    assert len(story.puts) == len(objects)
    (record,) = (each for each in story.archive.records if each not in story.after_commit.records)
    groups = {(one["type"], one["partitionDate"]) for one in record["deliveries"]}
    messages = {one["message"] for one in record["errors"]}
    assert len(objects) == len(groups) + len(messages) + 1
