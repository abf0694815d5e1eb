"""A query ends between two batches, whatever it is about to do."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs import supervisor as module
from jobs.supervisor import Supervisor

Batch = Callable[[DataFrame, int], None]


@pytest.fixture
def start(spark: SparkSession, tmp_path: Path) -> Callable[[Batch], StreamingQuery]:
    """Starts a query of one row a batch, batch after batch."""

    def started(batch: Batch) -> StreamingQuery:
        rows = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
        return rows.writeStream.foreachBatch(batch).option("checkpointLocation", str(tmp_path)).start()

    return started


def test_a_batch_that_begins_while_the_job_stops_is_left_for_the_next_start(
    start: Callable[[Batch], StreamingQuery], tmp_path: Path
) -> None:
    supervisor = Supervisor()
    archived: list[int] = []
    began: list[int] = []
    guarded = supervisor.guarded(lambda _, number: archived.append(number))

    def batch(frame: DataFrame, number: int) -> None:
        began.append(number)
        guarded(frame, number)

    def is_committed(number: int) -> bool:
        until = time.monotonic() + 30
        while began[-1] == number and time.monotonic() < until:
            time.sleep(0.01)
        return True

    query = start(batch)
    supervisor.supervise(query, is_done=lambda: len(archived) >= 2, is_committed=is_committed)
    assert not query.isActive
    assert query.exception() is None
    assert began[-1] == archived[-1] + 1, "no batch began after the stop was asked for"
    assert not (tmp_path / "commits" / str(began[-1])).exists()


def test_an_interruption_lost_on_the_way_to_the_batch_changes_nothing(
    spark: SparkSession, start: Callable[[Batch], StreamingQuery]
) -> None:
    supervisor = Supervisor()
    queries: list[StreamingQuery] = []
    archived: list[int] = []
    guarded = supervisor.guarded(lambda _, number: archived.append(number))

    def lose_it(frame: DataFrame, number: int) -> None:
        if archived:
            until = time.monotonic() + 30
            while queries[0].isActive and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(0.2)
            assert spark._jvm is not None
            spark._jvm.java.lang.Thread.interrupted()
        guarded(frame, number)

    queries.append(start(lose_it))
    began = time.monotonic()
    supervisor.supervise(queries[0], is_done=lambda: bool(archived), is_committed=lambda _: True)
    assert queries[0].exception() is None
    assert (archived, time.monotonic() - began < module._PARKED_SECONDS) == ([0], True)


def test_a_batch_that_fails_while_the_job_stops_is_a_failure(
    start: Callable[[Batch], StreamingQuery],
) -> None:
    supervisor = Supervisor()
    began: list[int] = []

    def fail_later(_: DataFrame, number: int) -> None:
        began.append(number)
        time.sleep(1)
        raise RuntimeError("the batch fails")

    query = start(supervisor.guarded(fail_later))
    with pytest.raises(StreamingQueryException, match="the batch fails"):
        supervisor.supervise(query, is_done=lambda: bool(began), is_committed=lambda _: False)


def test_a_signal_ends_the_query_after_the_running_batch(
    start: Callable[[Batch], StreamingQuery],
) -> None:
    supervisor = Supervisor()
    archived: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def signalled(_: DataFrame, number: int) -> None:
        if number == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        archived.append(number)

    try:
        supervisor.stop_on_signals()
        query = start(supervisor.guarded(signalled))
        supervisor.supervise(query, is_done=lambda: False, is_committed=lambda _: True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert archived == [0, 1]


def test_there_is_upkeep_every_few_minutes(
    start: Callable[[Batch], StreamingQuery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_UPKEEP_SECONDS", 0.0)
    supervisor = Supervisor()
    upkept: list[int] = []
    query = start(supervisor.guarded(lambda *_: None))
    supervisor.supervise(
        query,
        is_done=lambda: len(upkept) >= 3,
        is_committed=lambda _: True,
        upkeep=lambda: upkept.append(len(upkept)),
    )
    assert upkept == [0, 1, 2]
