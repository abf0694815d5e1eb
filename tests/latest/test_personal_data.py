"""A deleted fan's personal data leave the tables, and never were in their logs."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs.instants import now
from tests.latest.conftest import Followed, follow
from tests.latest.making import DAY, deliver, demand
from tests.no_personal_data import MADE_UP

SCRUBBED = "[redacted]"


def texts(below: Path) -> Iterator[tuple[Path, str]]:
    """What each file says, also where it is compressed: contents, footers, statistics."""
    for path in below.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            yield path, body.decode(errors="replace")
            if path.name.endswith(".parquet"):
                file = pq.ParquetFile(pa.BufferReader(body))
                yield path, f"{file.metadata.metadata} {file.read().to_pylist()}"


def holding(below: Path, text: str) -> set[Path]:
    """The files that say so anywhere."""
    return {path for path, said in texts(below) if text in said}


@pytest.fixture(scope="module")
def begun(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """A table of two fans, after a change of the first one's address; nobody touches it."""
    made = follow(spark, tmp_path_factory.mktemp("begun"), types=("demand",), buckets=1, retention_hours=0)
    deliver(made.archive, [demand(1, 1, 1), demand(2, 1, 2)])
    made.update()
    # So that the log has checkpoints, which summarize it.
    made.tables().tables[0].delta.set_properties({"delta.checkpointInterval": "2"})
    deliver(made.archive, [demand(1, 2, 3)], batch=1)
    made.update()
    return made


@pytest.fixture
def tables(begun: Followed, tmp_path: Path) -> Followed:
    """A copy of it, and of its archive."""
    return begun.copy(tmp_path)


def test_a_deleted_fans_row_stays_scrubbed_and_their_data_are_in_no_file_after_the_retention(
    tables: Followed,
) -> None:
    phone, old, new = "+15550000001", "fan-1-1@example.com", "fan-1-2@example.com"
    assert holding(tables.place, phone)
    assert not holding(tables.place, old), "an earlier version is kept no longer"
    deliver(tables.archive, [demand(1, 3, 4, deleted=True)], batch=2)
    tables.update()
    assert list((tables.place / "demand" / "_delta_log").glob("*.checkpoint*.parquet"))
    for text in (phone, old, new):
        assert not holding(tables.place, text)
    assert holding(tables.place, "fan-2-1@example.com"), "whoever isn't deleted keeps theirs"
    deleted = tables.state()["E1_S1_fan-1"]
    assert (deleted["isDeleted"], deleted["phoneNumber"], deleted["email"]) == (True, SCRUBBED, SCRUBBED)
    assert deleted["date"]["deleted"].startswith(DAY)
    assert tables.state()["E1_S1_fan-2"]["isDeleted"] is None


def test_what_a_killed_attempt_wrote_goes_as_well(tables: Followed) -> None:
    file = next((tables.place / "demand" / "bucket=0").glob("*.parquet"))
    leftover = file.with_name("part-00000-00000000-0000-0000-0000-000000000000.c000.snappy.parquet")
    leftover.write_bytes(file.read_bytes())
    tables.update()
    assert not leftover.exists()


def test_within_the_retention_an_earlier_version_can_still_be_read(tables: Followed) -> None:
    assert retention(tables) == {"interval 0 hours"}, "the one they were made with"
    tables.tables(retention_hours=1).keep_properties()
    assert retention(tables) == {"interval 1 hours"}
    deliver(tables.archive, [demand(1, 3, 4)], batch=2)
    tables.update(retention_hours=1)
    assert holding(tables.place, "fan-1-2@example.com")
    tables.tables(retention_hours=0).keep_properties()
    tables.update()
    assert not holding(tables.place, "fan-1-2@example.com")


def retention(tables: Followed) -> set[str | None]:
    """What the table of demands is told to keep."""
    delta = tables.tables().tables[0].delta
    return {delta.known(f"delta.{name}Duration") for name in ("deletedFileRetention", "logRetention")}


def test_a_pass_that_begins_seconds_early_by_the_schedule_removes_old_files_too(tables: Followed) -> None:
    """Instants are taken after Spark's start, which takes now longer, now shorter: skipped, it would be a whole interval more."""
    quarter, began = timedelta(hours=1), now()
    of = tables.tables(retention_hours=4)
    of.steps.remember(began - quarter / 2, vacuumed=True)
    of.update()
    assert (of.steps.when("vacuumed") or began) < began, "far too early"
    of.steps.remember(began - quarter + timedelta(seconds=10), vacuumed=True)
    of.update()
    assert (of.steps.when("vacuumed") or began - quarter) >= began


def test_the_log_never_holds_personal_data(tables: Followed) -> None:
    log = tables.place / "demand" / "_delta_log"
    assert not [path for path, said in texts(log) if MADE_UP.search(said)]
    added = [
        json.loads(action["add"]["stats"])
        for path in log.glob("*.json")
        for action in map(json.loads, path.read_text().splitlines())
        if "add" in action
    ]
    assert added
    for stats in added:
        assert stats["minValues"].keys() == stats["maxValues"].keys() == {"reference"}
