"""Spark's wrapper for simple readers, without its growth. It is private to Spark: these tests watch over it."""

import pickle
import sys
from importlib.machinery import ModuleSpec
from typing import Any

import pytest
import structlog
from pyspark.sql.datasource_internal import _SimpleStreamReaderWrapper, _streamReader
from pyspark.sql.types import StructType

from jobs.sources.kinesis.offsets import Offset, to_json
from jobs.sources.kinesis.source import KinesisDataSource, KinesisReader, SlimWrapper
from tests.sources.fake_kinesis import STREAM, FakeKinesis

FIRST = "shardId-000000000000"


def _wrapper(fake: FakeKinesis) -> SlimWrapper:
    start = to_json(dict.fromkeys(fake.shards, "TRIM_HORIZON"))
    options = {"streamName": STREAM, "initialOffset": start, "getRecordsPerSecond": "1000"}
    wrapper = _streamReader(KinesisDataSource(options), StructType())
    assert isinstance(wrapper, SlimWrapper)
    return wrapper


def _handed_over(wrapper: SlimWrapper, start: Offset, end: Offset) -> list[bytes]:
    batches: Any = wrapper.getCache(start, end)
    return [body for batch in batches for body in batch.column("data").to_pylist()]


def test_spark_takes_it_for_its_own(fake: FakeKinesis) -> None:
    assert isinstance(_wrapper(fake), _SimpleStreamReaderWrapper)


def test_polls_that_find_nothing_leave_nothing_behind(fake: FakeKinesis) -> None:
    wrapper = _wrapper(fake)
    for _ in range(20):
        wrapper.latestOffset()
    assert wrapper.cache == []


def test_a_batch_is_handed_over_from_memory_until_it_is_committed(fake: FakeKinesis) -> None:
    wrapper = _wrapper(fake)
    start = wrapper.initialOffset()
    fake.put(FIRST, [b"a", b"b"])
    end = wrapper.latestOffset()
    assert wrapper.latestOffset() == end
    assert len(wrapper.partitions(start, end)) == 1
    for _ in range(2):
        assert _handed_over(wrapper, start, end) == [b"a", b"b"]
    wrapper.commit(end)
    assert wrapper.cache == []
    fake.put(FIRST, [b"c"])
    third = wrapper.latestOffset()
    wrapper.partitions(end, third)
    assert _handed_over(wrapper, end, third) == [b"c"]


def test_after_a_restart_it_goes_on_from_the_newest_offset_in_the_log(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"a", b"b"])
    first = _wrapper(fake)
    end = first.latestOffset()
    fake.put(FIRST, [b"c"])
    # What Spark does at a restart: it plans an empty range at the newest offset that it logged.
    restarted = _wrapper(fake)
    restarted.partitions(end, end)
    assert restarted.getCache(end, end) is None
    newest = restarted.latestOffset()
    assert _handed_over(restarted, end, newest) == [b"c"]


def test_it_is_pickled_for_executors_even_after_it_has_read(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"a"])
    wrapper = _wrapper(fake)
    start = wrapper.initialOffset()
    end = wrapper.latestOffset()
    copy: KinesisReader = pickle.loads(pickle.dumps(wrapper.simple_reader))  # noqa: S301  # its own
    [batch] = list(copy.readBetweenOffsets(start, end))
    assert batch.column("data").to_pylist() == [b"a"]


@pytest.mark.parametrize(("program", "configured"), [("pyspark.daemon", True), ("pytest.__main__", False)])
def test_a_worker_logs_json_lines_as_the_driver_does(
    fake: FakeKinesis, monkeypatch: pytest.MonkeyPatch, program: str, configured: bool
) -> None:
    structlog.reset_defaults()
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", ModuleSpec(program, None))
    try:
        _wrapper(fake)
        assert structlog.is_configured() is configured
    finally:
        structlog.reset_defaults()


def test_a_worker_that_is_told_to_stop_has_no_last_words(
    fake: FakeKinesis, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapper = _wrapper(fake)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    wrapper.stop()
    sys.stderr.write("the driver's and a test's error output stays\n")
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", ModuleSpec("pyspark.sql.worker", None))
    wrapper.stop()
    sys.stderr.write("a traceback\n")
    assert capsys.readouterr().err == "the driver's and a test's error output stays\n"
