"""The job through spark-submit: nothing but a start file, a zip of the packages, and jars."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import schemas
from jobs import java
from jobs.session import find_jars
from tests.jobs.archived import Archived
from tests.jobs.job import ROOT, SECONDS, Finished, Job
from tests.jobs.ledger import Entry, Producer

PACKAGES = ("schemas", "transforms", "jobs")


@dataclass(frozen=True)
class Story:
    """A run by spark-submit in an empty directory."""

    ledger: list[Entry]
    run: Finished
    audit: Finished
    archive: Archived
    left: list[str]


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], producer: Callable[[int], Producer]) -> Story:
    source = producer(2)
    source.publish_some(seed=11, count=300)
    archiving = job(source.stream)
    submit = [Path(sys.prefix, "bin", "spark-submit"), "--master", "local[2]"]
    files = [
        "--py-files",
        zipped(archiving.directory / "packages.zip"),
        "--jars",
        ",".join(map(str, find_jars())),
    ]
    conf = ["--conf", archiving.conf_file()]
    environment = {
        "PYSPARK_PYTHON": str(python_without_this_checkout(archiving.directory)),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "JAVA_HOME": str(java.find_java()),
    }

    def submitted(start: str, *arguments: str) -> Finished:
        command = [*submit, *files, ROOT / "emr" / start, *conf, *arguments]
        with archiving.process([str(each) for each in command], environment) as running:
            return running.end()

    run = submitted("archive.py", "--until-caught-up")
    audit = submitted("verify.py", "--json")
    cwd = archiving.directory / "cwd"
    return Story(
        source.ledger,
        run,
        audit,
        Archived.in_directory(archiving.directory / "archive"),
        [path.name for path in cwd.iterdir()],
    )


def python_without_this_checkout(directory: Path) -> Path:
    """A Python that doesn't follow the .pth file by which the packages here are installed for development."""
    path = directory / "python"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    path.chmod(0o755)
    return path


def zipped(path: Path) -> Path:
    """The packages as EMR gets them: everything in them, .avsc files too."""
    with zipfile.ZipFile(path, "w") as target:
        for package in PACKAGES:
            for file in sorted((ROOT / package).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    target.write(file, file.relative_to(ROOT))
    return path


def test_every_change_event_is_archived_by_the_packages_in_the_zip(story: Story) -> None:
    assert story.run.code == 0, story.run.err
    assert sum(line["read"] for line in story.run.batches) == len(story.ledger)
    story.archive.holds(story.ledger)


def test_the_audit_runs_from_the_zip_too(story: Story) -> None:
    assert story.audit.code == 0, story.audit.err
    (totals,) = story.audit.lines
    assert (totals["read"], totals["findings"]) == (len(story.ledger), {})


def test_nothing_is_left_where_it_was_started(story: Story) -> None:
    assert story.left == []


def test_what_a_zip_holds_beside_modules_is_found_in_it(tmp_path: Path) -> None:
    packages = zipped(tmp_path / "packages.zip")
    script = (
        "import jobs, schemas\n"
        "from jobs.session import spark_session\n"
        "print(jobs.__file__, *schemas.load())\n"
        "spark_session(cores=1).range(1).collect()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(packages)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.stdout.split() == [f"{packages}/jobs/__init__.py", *schemas.RECORD_TYPES]
    # Without our log4j2.properties Spark would say more.
    Finished(run.returncode, "", run.stderr).succeeded()
