"""What the commands have in common: dates are checked, and standard output holds the result alone."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import schemas
from jobs import sync_catalog
from jobs.demo.__main__ import main as demo
from jobs.demo.emulator import Emulator
from jobs.doctor.__main__ import main as doctor
from jobs.report.__main__ import main as report
from jobs.sinks.storage import open_storage
from jobs.verify.__main__ import main as verify
from tests.jobs.job import toml
from tests.report.archives import make

USAGE = 2
# The command, with a catalog that has something to say.
_WITH_A_WARNING = """
import structlog, sys
from jobs import sync_catalog
def warn(*_):
    structlog.get_logger().warning("catalog.pending")
    return 0, []
sync_catalog.sync_catalog = warn
sys.exit(sync_catalog.main())
"""


@pytest.mark.parametrize(
    ("command", "arguments", "told"),
    [
        (sync_catalog.main, ("--since", "yesterday"), "'yesterday' is no day: write it as 2026-03-01"),
        (sync_catalog.main, ("--since", "01.03.2026"), "'01.03.2026' is no day: write it as 2026-03-01"),
        (verify, ("--since", "yesterday"), "'yesterday' is no day: write it as 2026-03-01"),
        (report, ("--out", "a.html", "--since", "noon"), "'noon' is no day: write it as 2026-03-01"),
        (doctor, ("--rewind", "noon"), "not an ISO-8601 instant: 'noon'"),
        (demo, ("--events", "0"), "'0' is no number above 0"),
    ],
)
def test_a_wrong_argument_is_told_in_words(
    command: Callable[[Sequence[str]], int],
    arguments: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    conf = () if command is demo else ("--conf", "conf.toml")
    with pytest.raises(SystemExit) as raised:
        command([*conf, *arguments])
    assert raised.value.code == USAGE
    assert told in capsys.readouterr().err


def test_sync_catalog_registers_what_the_delivery_records_name(tmp_path: Path, aws: Emulator) -> None:
    records = make(open_storage(str(tmp_path / "archive")))
    conf = tmp_path / "conf.toml"
    archive = {"uri": str(tmp_path / "archive"), "checkpoint": str(tmp_path / "checkpoint")}
    catalog = {"enabled": True, "database": "synced"}
    conf.write_text(toml({"source": {"stream": "fans"}, "archive": archive, "catalog": catalog}))

    def sync(*arguments: str) -> str:
        command = [sys.executable, "-m", "jobs.sync_catalog", "--conf", str(conf), *arguments]
        said = subprocess.run(
            command, env=aws.environment(), capture_output=True, text=True, timeout=60, check=True
        )
        return said.stdout

    def named(since: str) -> set[tuple[str, str]]:
        return {pair for one in records if one.timestamp >= since for pair in one.partitions}

    assert (
        sync("--since", "2026-03-03")
        == f"{len(named('2026-03-03'))} partitions named by delivery records, 0 pending\n"
    )
    assert registered(aws, "synced") == named("2026-03-03")
    assert sync() == f"{len(named(''))} partitions named by delivery records, 0 pending\n"
    assert registered(aws, "synced") == named("")


def registered(aws: Emulator, database: str) -> set[tuple[str, str]]:
    """Type and date of each partition in Glue."""
    pages = aws.client("glue").get_paginator("get_partitions")
    return {
        (type, partition["Values"][0])
        for type in schemas.RECORD_TYPES
        for page in pages.paginate(DatabaseName=database, TableName=type)
        for partition in page["Partitions"]
    }


def test_log_lines_stay_out_of_a_result(tmp_path: Path) -> None:
    conf = tmp_path / "conf.toml"
    archive = {"uri": str(tmp_path / "archive"), "checkpoint": str(tmp_path / "checkpoint")}
    conf.write_text(toml({"source": {"stream": "fans"}, "archive": archive}))
    command = [sys.executable, "-c", _WITH_A_WARNING, "--conf", str(conf)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout == "0 partitions named by delivery records, 0 pending\n"
    assert json.loads(said.stderr)["event"] == "catalog.pending"
