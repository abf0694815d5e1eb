"""One process of the job dies alone, or Spark's temporary disk fills up: the others end by themselves, one line says why."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.conftest import OnS3
from tests.faults.long import SECONDS
from tests.faults.processes import fill_disk, java, kill, left_of, source_readers, tree
from tests.faults.proxy import Fault, Proxy, Rule, before, meanwhile
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer

PREFIX, OBJECT = "p/", "/(data|errors)/"
# A bound, not an expectation: on two idle cores the last process is gone after two seconds.
END_SECONDS = 60
MEMORY = "(is there enough memory?): start again, and give it more if that happens again"

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Struck:
    """A run that was struck in its second batch; the processes that outlived it, and what it left in ``TMPDIR``."""

    run: Finished
    orphans: list[int]
    temporary: list[Path]


@dataclass(frozen=True)
class Story:
    """Each run first replays the batch that the one before had left half done; the last one archives all."""

    ledger: list[Entry]
    java: Struck
    driver: Struck
    reader: Struck
    disk: Struck
    last: Finished
    archive: Archived


@dataclass(frozen=True)
class Stage:
    """A stream that fills, a job on it, and the proxy between the job and S3."""

    source: Producer
    job: Job
    proxy: Proxy

    def run_struck(
        self, make: Callable[[int], Rule], archived: Callable[[], object] = lambda: None
    ) -> Struck:
        """Start the job; once a batch is ``archived`` more events come, and the rule for the job's process id."""
        temporary = self.job.directory / f"tmp-{len(self.source.ledger)}"
        temporary.mkdir()
        self.source.publish_some(seed=160 + len(self.source.ledger), count=60)
        with self.job.started(TMPDIR=str(temporary)) as running:
            running.wait_for(lambda: bool(running.batches()))
            archived()
            processes = [each.pid for each in tree(running.process.pid)]
            self.proxy.rules = [make(running.process.pid)]
            self.source.publish_some(seed=160 + len(self.source.ledger), count=60)
            ended = running.end(None, END_SECONDS)
            self.proxy.rules = []
            return Struck(ended, left_of(processes, END_SECONDS), list(temporary.iterdir()))


def at_a_put(fault: Fault) -> Rule:
    """For the fourth object of a batch."""
    return Rule(fault, "PUT", OBJECT, skip=3)


@pytest.fixture(scope="module")
def story(proxy: Proxy, on_s3: Callable[..., OnS3]) -> Story:
    source, archiving, archived = on_s3(2, PREFIX)
    stage = Stage(source, archiving, proxy)
    released = threading.Event()

    def kill_and_hold(pid: int) -> None:
        kill([pid])
        released.wait(SECONDS)

    try:
        without_java = stage.run_struck(lambda pid: at_a_put(before(lambda: kill(java(pid)))))
        without_driver = stage.run_struck(lambda pid: at_a_put(meanwhile(lambda: kill_and_hold(pid))))
        # Only now S3 sees what a worker had sent before its driver died.
        without_reader = stage.run_struck(
            lambda pid: Rule(before(lambda: kill(source_readers(pid))), target="GetRecords"), released.set
        )
    finally:
        released.set()
    full = stage.run_struck(lambda pid: Rule(meanwhile(lambda: fill_disk(pid)), "GET", "/deliveries/"))
    last = stage.job.run()
    return Story(source.ledger, without_java, without_driver, without_reader, full, last, archived())


def test_without_java_the_job_ends_and_leaves_nothing(story: Story) -> None:
    assert story.java.run.code == 1
    assert story.java.run.complaints[-1] == f"archive: Spark's Java process was killed or crashed {MEMORY}"
    assert story.java.temporary == []


def test_without_the_driver_nothing_goes_on(story: Story) -> None:
    assert story.driver.run.code == -9
    assert story.driver.orphans == []


def test_without_the_process_that_reads_the_stream_the_job_ends(story: Story) -> None:
    assert story.reader.run.code == 1
    assert story.reader.run.complaints == [
        f"archive: a Python process of Spark's was killed or crashed {MEMORY}"
    ]


def test_a_full_disk_under_temporary_files_ends_the_job(story: Story) -> None:
    assert story.disk.run.code == 1
    line = story.disk.run.complaints[-1]
    assert line.startswith(
        "archive: Spark can't write its files, those of archive.checkpoint or temporary ones"
    )
    assert line.endswith("(File too large): see to the disk, then go on")


@pytest.mark.parametrize("which", ["java", "reader", "disk"])
def test_no_process_outlives_the_job(story: Story, which: str) -> None:
    struck: Struck = getattr(story, which)
    assert (struck.orphans, struck.temporary) == ([], [])


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    struck = (story.java, story.driver, story.reader, story.disk)
    assert [[line["batchId"] for line in each.run.batches] for each in struck] == [[0], [1], [2], [3]]
    story.last.succeeded()
    story.archive.holds(story.ledger)
