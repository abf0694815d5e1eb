"""`source.format = "aws-kinesis"`: the connector's rows take the same way, with the guarantees that its offsets allow."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.archive import STREAMING, run
from jobs.demo.emulator import Emulator
from jobs.settings import Settings
from tests.jobs.archived import Archived
from tests.jobs.aws_connector import StandIn


@pytest.fixture
def _own_signal_handlers() -> Iterator[None]:
    """Puts back the handlers that the job replaces."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_own_signal_handlers")
def test_the_connectors_rows_are_archived_and_counted_as_written(
    spark: SparkSession, aws: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    spark.dataSource.register(StandIn)
    source = {"stream": "changes", "format": "aws-kinesis", "start": "2026-03-01T12:00:00+01:00"}
    directories = {"uri": str(tmp_path / "archive"), "checkpoint": str(tmp_path / "checkpoint")}
    settings = Settings.model_validate({"source": source, "archive": {**directories, "trigger": "0 seconds"}})
    threading.Thread(target=_end_after_two_batches, args=(tmp_path / "archive",), daemon=True).start()
    before = {name: spark.conf.get(name, None) for name in STREAMING}
    run(settings)
    after = {name: spark.conf.get(name, None) for name in STREAMING}
    assert after == before, "a notebook's session isn't what it was"
    records = Archived.in_directory(tmp_path / "archive").records
    assert [record["counts"] for record in records] == [{"read": 1, "archived": 0, "failed": 1}] * 2
    assert [record["source"] for record in records] == [{"stream": "changes"}] * 2


def _end_after_two_batches(directory: Path) -> None:
    until = time.monotonic() + 100
    while len(list(directory.glob("deliveries/*/*.json"))) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGTERM)
