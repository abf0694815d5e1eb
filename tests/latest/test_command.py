"""The job as users run it: a process that follows an archive on S3, with Glue, killed and started again."""

import os
import re
import signal
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import deltalake
import pytest

import schemas
from jobs.demo.emulator import Emulator
from jobs.demo.publish import create_bucket
from jobs.latest.__main__ import main
from jobs.settings import LatestSettings
from jobs.sinks.storage import Storage, open_storage
from tests.jobs.job import Job
from tests.latest.making import deliver, demand, latest_of, sale, without_nulls

DATABASE = "people"
# The table that a pass comes to last.
LAST = schemas.RECORD_TYPES[-1]


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def archive(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """An archive on S3 that holds a batch."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    bucket = f"archive-{uuid.uuid4().hex[:12]}"
    create_bucket(aws, bucket)
    storage = open_storage(f"s3://{bucket}/some/prefix")
    deliver(storage, [*(demand(fan, 1, fan) for fan in range(20)), sale(1, 1)])
    return storage


@pytest.fixture
def job(archive: Storage, aws: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Its conf."""
    monkeypatch.setattr("jobs.latest.__main__.configure_logging", lambda _: None)
    latest = {"uri": str(tmp_path / "latest"), "buckets": 2, "trigger_seconds": 1}
    conf: dict[str, dict[str, Any]] = {
        "source": {"stream": "fans"},
        "archive": {"uri": archive.uri, "checkpoint": str(tmp_path / "checkpoint")},
        "catalog": {"enabled": True, "database": DATABASE},
        "latest": latest,
    }
    return Job(tmp_path, aws.environment(), conf)


def command(job: Job, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "jobs.latest", "--conf", str(job.conf_file()), *arguments]


def test_killed_it_goes_on_and_follows_the_archive_until_it_is_told_to_end(
    job: Job, archive: Storage, aws: Emulator
) -> None:
    """Killed after a table of the first pass, and then inside a MERGE."""
    place = job.directory / "latest"
    with job.process(command(job), {}) as running:
        running.wait_for(log_of(place, "demand", 0).exists)
        running.kill()
    assert not log_of(place, LAST, 0).exists(), "it was killed too late to show anything"
    version = kill_inside_a_merge(job, archive, place / "demand")
    assert not is_latest(place, archive, ["demand"])
    with job.process(command(job, "--follow"), {}) as running:
        running.wait_for(log_of(place, "demand", version + 1).exists)
        running.wait_for(log_of(place, LAST, 0).exists)
        assert is_latest(place, archive)
        expected = {**dict.fromkeys(schemas.RECORD_TYPES, 0), "demand": version + 1}
        assert {
            type: deltalake.DeltaTable(place / type).version() for type in schemas.RECORD_TYPES
        } == expected, "a step isn't one commit"
        deliver(archive, [demand(1, 20, 999, deleted=True), sale(2, 1)], batch=10)
        running.wait_for(log_of(place, LAST, 1).exists)
        assert is_latest(place, archive)
        assert main(["--conf", str(job.conf_file())]) == 1, "a second one is at the same tables"
        finished = running.end(signal.SIGTERM)
    assert finished.code == 0, finished.err
    assert "tables.lease" not in os.listdir(place)
    assert_registered(aws, place)


def log_of(place: Path, type: str, version: int) -> Path:
    """Where a table's log tells that version."""
    return place / type / "_delta_log" / f"{version:020}.json"


def kill_inside_a_merge(job: Job, archive: Storage, table: Path) -> int:
    """Kill a pass that has written files of a table and hasn't committed them; the table's version. A pass may be faster: then the next."""
    for batch in range(1, 6):
        changes = [demand(fan, batch + 1, 100 * batch + fan, deleted=fan < batch) for fan in range(20)]
        deliver(archive, changes, batch=batch)
        version, files = deltalake.DeltaTable(table).version(), data_files(table)
        with job.process(command(job), {}) as running:
            running.wait_for(partial(has_other_files, table, files))
            running.kill()
        if deltalake.DeltaTable(table).version() == version:
            return version
    raise AssertionError("no pass was killed in time")


def data_files(table: Path) -> set[Path]:
    return set(table.rglob("part-*.parquet"))


def has_other_files(table: Path, files: set[Path]) -> bool:
    return data_files(table) > files


def is_latest(place: Path, archive: Storage, types: Sequence[str] = schemas.RECORD_TYPES) -> bool:
    """Whether the tables are what plain Python makes of the archive, for delta-rs."""
    due = latest_of(archive)
    for type in types:
        try:
            rows = deltalake.DeltaTable(place / type).to_pyarrow_table().drop_columns("bucket").to_pylist()
        except deltalake.exceptions.TableNotFoundError:
            return False
        if without_nulls({row["reference"]["id"]: row for row in rows}) != without_nulls(due.get(type, {})):
            return False
    return True


def assert_registered(aws: Emulator, place: Path) -> None:
    """Glue knows the tables, as Athena, Trino and Spark know Delta."""
    tables = registered(aws, DATABASE)
    assert set(tables) == {f"latest_{type}" for type in schemas.RECORD_TYPES}
    for type in schemas.RECORD_TYPES:
        table = tables[f"latest_{type}"]
        location = f"file://{place}/{type}"
        assert table["TableType"] == "EXTERNAL_TABLE"
        assert table["Parameters"]["table_type"] == "DELTA"
        assert table["Parameters"]["spark.sql.sources.provider"] == "delta"
        assert table["StorageDescriptor"]["Location"] == location
        assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["path"] == location
        of_log = {field.name.lower() for field in deltalake.DeltaTable(place / type).schema().fields}
        assert {column["Name"] for column in table["StorageDescriptor"]["Columns"]} == of_log


def test_only_tables_that_are_there_are_registered(job: Job, aws: Emulator) -> None:
    """Of a table without a log Athena says that it's broken."""
    (job.directory / "archive").mkdir()
    empty = {**job.conf["archive"], "uri": str(job.directory / "archive")}
    catalog = {"enabled": True, "database": "new"}
    job = replace(job, conf={**job.conf, "archive": empty, "catalog": catalog})
    assert main(["--conf", str(job.conf_file())]) == 0
    assert registered(aws, "new") == {}
    deliver(open_storage(empty["uri"]), [demand(1, 1, 1)])
    assert main(["--conf", str(job.conf_file())]) == 0
    assert set(registered(aws, "new")) == {f"latest_{type}" for type in schemas.RECORD_TYPES}


def registered(aws: Emulator, database: str) -> dict[str, Any]:
    """The tables that Glue knows."""
    glue = aws.client("glue")
    try:
        return {one["Name"]: one for one in glue.get_tables(DatabaseName=database)["TableList"]}
    except glue.exceptions.EntityNotFoundException:
        return {}


def test_its_help_names_keys_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    named = set(re.findall(r"latest\.(\w+)", capsys.readouterr().out))
    assert named
    assert named <= set(LatestSettings.model_fields)


def test_without_a_place_that_spark_reaches_it_says_so(
    job: Job, archive: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--conf", str(job.conf_file()), "--set", f"latest.uri={archive.uri}/latest"])
    assert code == 1
    assert "set latest.uri to a local directory" in capsys.readouterr().err


def test_a_wrong_conf_is_told(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--conf", str(job.conf_file()), "--set", "latest.buckets=0"]) == 2
    assert "latest.buckets" in capsys.readouterr().err
