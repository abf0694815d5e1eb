"""A window of a stream that is split and merged in it: every record is taken once."""

from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.instants import iso, now
from jobs.sources.kinesis.options import Limits
from tests.backfill.streaming import Archive
from tests.emulators import EmulatedKinesis
from tests.sources.conftest import kinesis_mock, on_kinesis_mock
from tests.sources.reading import Producer

__all__ = ["kinesis_mock", "on_kinesis_mock"]


def test_every_record_of_the_window_is_taken_once(
    on_kinesis_mock: EmulatedKinesis, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.backfill.kinesis.Limits", partial(Limits, calls_per_second=50))
    producer = Producer(on_kinesis_mock, on_kinesis_mock.create_stream(2))
    producer.put(60)
    producer.split()
    producer.put(60)
    producer.merge(1)
    producer.put(60)
    middle = iso(now())
    producer.put(60)
    archive = Archive(tmp_path, producer.stream, max_records_per_batch=70)
    taken: Counter[bytes] = Counter()
    windows = (iso(now() - timedelta(hours=1)), middle), (middle, iso(now()))
    for number, (since, until) in enumerate(windows):
        steps = archive.steps(archive.input(since=since, until=until), run=f"run {number}")
        for step in steps:
            rows = step.rows(spark).collect()
            assert len(rows) == step.read
            taken.update(bytes(row.data) for row in rows)
        assert taken.total() == (180, 240)[number]
    assert taken == producer.ledger
