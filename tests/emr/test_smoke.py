"""The job from the packaged files alone, by spark-submit in a directory that holds nothing else.

Spark runs executors in processes and directories of their own, which unpack what they are sent. What EMR Serverless does
for the driver, unpacking `--archives` where it starts, the fixture does.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyspark
import pytest

from emr.rehearse.worker import image
from emr.release import dependencies_name, packaged
from tests.emr.conftest import ARCHITECTURE, PYTHON
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer
from tests.short_run import SHORT_RUN_OF_ALL_JAVA

CLUSTER = "local-cluster[1,2,1024]"  # one executor of 2 cores and 1 GB


@dataclass(frozen=True)
class Story:
    """A run by spark-submit, and the audit of what it archived."""

    ledger: list[Entry]
    run: Finished
    audit: Finished
    archive: Archived
    left: set[str]


@pytest.fixture(scope="module")
def story(dist: Path, job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    source = producer(2)
    source.publish_some(seed=11, count=300)
    archiving = job(source.stream)
    cwd = archiving.directory / "cwd"
    shutil.unpack_archive(dist / dependencies_name(ARCHITECTURE), cwd / "environment")
    environment = {
        **image(archiving.directory / "image", PYTHON),
        **SHORT_RUN_OF_ALL_JAVA,
        "PYSPARK_PYTHON": "./environment/bin/python",
    }

    def submitted(start: str, *arguments: str) -> Finished:
        command = [*spark_submit(dist), dist / start, "--conf", archiving.conf_file(), *arguments]
        with archiving.process([str(each) for each in command], environment) as running:
            return running.end()

    run = submitted("archive.py", "--until-caught-up")
    audit = submitted("verify.py", "--json")
    left = {path.name for path in cwd.iterdir()}
    archived = Archived.in_directory(archiving.directory / "archive")
    return Story(source.ledger, run, audit, archived, left)


def spark_submit(dist: Path) -> list[str | Path]:
    """How EMR Serverless is asked to start a job, with this machine's files for S3's."""
    (jar,) = packaged(dist).jars
    files: list[str | Path] = ["--py-files", dist / "packages.zip", "--jars", dist / jar]
    archive = f"{dist / dependencies_name(ARCHITECTURE)}#environment"
    return [
        Path(pyspark.__file__).parent / "bin" / "spark-submit",
        *("--master", CLUSTER, "--conf", "spark.driver.host=127.0.0.1"),
        *files,
        *("--archives", archive),
    ]


def test_every_change_event_is_archived_by_the_packaged_files(story: Story) -> None:
    assert story.run.code == 0, story.run.err
    assert sum(line["read"] for line in story.run.batches) == len(story.ledger)
    story.archive.holds(story.ledger)


def test_the_audit_runs_from_the_packaged_files_too(story: Story) -> None:
    assert story.audit.code == 0, story.audit.err
    (totals,) = story.audit.lines
    assert (totals["read"], totals["findings"]) == (len(story.ledger), {})


def test_nothing_is_left_where_it_was_started(story: Story) -> None:
    assert story.left == {"environment"}
