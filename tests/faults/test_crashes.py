"""A Python worker or an executor dies while it stores objects; the driver lives on."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from jobs import java
from jobs.session import find_jars, spark_home
from tests.faults.conftest import OnS3
from tests.faults.long import SECONDS
from tests.faults.one_process import one_process
from tests.faults.processes import executors, kill, python_workers
from tests.faults.proxy import Proxy, Rule, before, refused
from tests.jobs.archived import Archived
from tests.jobs.job import ROOT, Finished, Job, Running
from tests.jobs.ledger import Entry
from tests.short_run import SHORT_RUN_OF_ALL_JAVA

PREFIX, OBJECT = "p/", "/(data|errors)/"


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """A run under which Python workers died, and the one that followed."""

    ledger: list[Entry]
    struck: Finished
    workers: list[int]
    last: Finished
    archive: Archived


@dataclass(frozen=True)
class InCluster:
    """A run under which Python workers and an executor died in one batch, and S3 failed for ever in the next.

    ``asked`` is how often each object of the next was put.
    """

    ledger: list[Entry]
    run: Finished
    workers: list[int]
    executors: list[int]
    asked: Counter[str]
    archive: Archived


def strike(pid: int, find: Callable[[int], list[int]], skip: int, dead: list[int]) -> Rule:
    """When the ``skip``-th object comes, kill what ``find`` finds."""

    def act() -> None:
        victims = find(pid)
        dead.extend(victims)
        kill(victims)

    return Rule(before(act), "PUT", OBJECT, skip=skip)


@contextmanager
def in_cluster(archiving: Job, *arguments: str) -> Iterator[Running]:
    """Start the job with executors of their own."""
    master = ["--master", "local-cluster[2,1,1024]", "--jars", ",".join(map(str, find_jars()))]
    job = [str(ROOT / "emr" / "archive.py"), "--conf", str(archiving.conf_file())]
    # Spark's own metrics of memory don't fit a run of seconds; the rest is as it comes.
    settings = ["--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"]
    environment = {
        **SHORT_RUN_OF_ALL_JAVA,
        "PYSPARK_PYTHON": sys.executable,
        "JAVA_HOME": str(java.find_java()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(spark_home(archiving.directory / "spark")),
    }
    submit = [f"{environment['SPARK_HOME']}/bin/spark-submit", *master, *settings, *job, *arguments]
    with archiving.process(submit, environment) as running:
        yield running


@pytest.fixture(scope="module")
def alone(on_s3: Callable[..., OnS3], proxy: Proxy) -> Story:
    """One process is all there is: Spark doesn't try its tasks again there."""
    source, archiving, archived = on_s3(2, PREFIX)
    source.publish_some(111, 300)
    workers: list[int] = []
    with one_process(archiving) as process:
        proxy.rules = [strike(process.running.process.pid, python_workers, 5, workers)]
        struck = process.run()
        proxy.rules = []
        last = process.run()
    return Story(source.ledger, struck, workers, last, archived())


@pytest.fixture(scope="module")
def cluster(on_s3: Callable[..., OnS3], proxy: Proxy) -> InCluster:
    """Executors of their own: first Python workers die, then a whole executor, then S3 never recovers."""
    source, archiving, archived = on_s3(2, PREFIX)
    ledger = list(source.publish_some(112, 300))
    workers: list[int] = []
    one_executor: list[int] = []
    with in_cluster(archiving, "--set", "archive.retry_attempts=2") as running:
        proxy.rules = [
            strike(running.process.pid, python_workers, 5, workers),
            strike(running.process.pid, lambda pid: executors(pid)[:1], 20, one_executor),
        ]
        running.wait_for((archiving.directory / "checkpoint" / "commits" / "0").exists)
        proxy.requests.clear()
        proxy.rules = [Rule(refused(503, "SlowDown"), "PUT", OBJECT, times=None)]
        source.publish_some(113, 300)
        run = running.end()
        proxy.rules = []
    asked = Counter(each.path for _, each in proxy.requests if each.method == "PUT")
    return InCluster(ledger, run, workers, one_executor, asked, archived())


def test_a_crashed_worker_fails_the_batch_where_spark_does_not_try_again(alone: Story) -> None:
    assert alone.struck.code == 1
    assert alone.workers
    assert alone.struck.batches == []
    assert alone.struck.complaints[-1].startswith(
        "archive: a Python process of Spark's was killed or crashed (is there enough memory?): start again"
    )


def test_the_next_start_archives_every_change_event_exactly_once(alone: Story) -> None:
    assert alone.last.code == 0
    alone.archive.holds(alone.ledger)


def test_a_cluster_outlives_a_crashed_worker_and_a_crashed_executor(cluster: InCluster) -> None:
    assert cluster.workers
    assert len(cluster.executors) == 1
    assert not set(cluster.workers) & set(cluster.executors)
    assert [record["batchId"] for record in cluster.archive.records] == [0]


def test_a_cluster_tries_what_lasts_no_more_often_than_conf_says(cluster: InCluster) -> None:
    assert (cluster.run.code, max(cluster.asked.values())) == (1, 2), cluster.run.err[-2000:]
    # spark-submit hands on what Python says on standard error as its own standard output.
    (said,) = [line for line in cluster.run.out.splitlines() if line.startswith("archive: ")]
    assert "(SlowDown), also after bounded retries: start again" in said


def test_a_cluster_archives_the_batch_before_that_exactly_once_and_nothing_else(cluster: InCluster) -> None:
    cluster.archive.holds(cluster.ledger)
