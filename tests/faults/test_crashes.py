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
    """A run under which Python workers and executors died, and, where it ended by that, the one that followed."""

    ledger: list[Entry]
    struck: Finished
    workers: list[int]
    executors: list[int]
    last: Finished
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
    """Start the job with executors of their own, until it has caught up."""
    master = ["--master", "local-cluster[2,1,1024]", "--jars", ",".join(map(str, find_jars()))]
    job = [str(ROOT / "emr" / "archive.py"), "--conf", str(archiving.conf_file()), "--until-caught-up"]
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
    with archiving.started() as running:
        proxy.rules = [strike(running.process.pid, python_workers, 5, workers)]
        struck = running.end()
        proxy.rules = []
    return Story(source.ledger, struck, workers, [], archiving.run(), archived())


@pytest.fixture(scope="module")
def cluster(on_s3: Callable[..., OnS3], proxy: Proxy) -> Story:
    """Executors of their own: first Python workers die, then a whole executor."""
    source, archiving, archived = on_s3(2, PREFIX)
    source.publish_some(112, 300)
    workers: list[int] = []
    one_executor: list[int] = []
    with in_cluster(archiving) as running:
        proxy.rules = [
            strike(running.process.pid, python_workers, 5, workers),
            strike(running.process.pid, lambda pid: executors(pid)[:1], 20, one_executor),
        ]
        struck = running.end()
        proxy.rules = []
    return Story(source.ledger, struck, workers, one_executor, struck, archived())


def test_a_cluster_tries_what_lasts_no_more_often_than_conf_says(
    on_s3: Callable[..., OnS3], proxy: Proxy
) -> None:
    source, archiving, archived = on_s3(2, PREFIX)
    source.publish_some(113, 300)
    proxy.requests.clear()
    proxy.rules = [Rule(refused(503, "SlowDown"), "PUT", OBJECT, times=None)]
    with in_cluster(archiving, "--set", "archive.retry_attempts=2") as running:
        run = running.end()
    proxy.rules = []
    asked = Counter(each.path for _, each in proxy.requests if each.method == "PUT")
    assert (run.code, max(asked.values())) == (1, 2), run.err[-2000:]
    # spark-submit hands on what Python says on standard error as its own standard output.
    (said,) = [line for line in run.out.splitlines() if line.startswith("archive: ")]
    assert "(SlowDown), also after bounded retries: start again" in said
    assert archived().records == []


@pytest.fixture(params=["alone", "cluster"])
def story(request: pytest.FixtureRequest) -> Story:
    found: Story = request.getfixturevalue(request.param)
    return found


def test_a_crashed_worker_fails_the_batch_where_spark_does_not_try_again(alone: Story) -> None:
    assert alone.struck.code == 1
    assert alone.workers
    assert alone.struck.batches == []
    assert alone.struck.complaints[-1].startswith(
        "archive: a Python process of Spark's was killed or crashed (is there enough memory?): start again"
    )


def test_a_cluster_outlives_a_crashed_worker_and_a_crashed_executor(cluster: Story) -> None:
    assert cluster.struck.code == 0, cluster.struck.err[-3000:]
    assert cluster.workers
    assert len(cluster.executors) == 1
    assert not set(cluster.workers) & set(cluster.executors)


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    assert story.last.code == 0
    story.archive.holds(story.ledger)
