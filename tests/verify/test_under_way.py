"""A job may be at work while the archive is audited: what its batch writes isn't damage."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.batch import Batch
from jobs.demo.emulator import Emulator
from jobs.instants import iso
from jobs.lease import Lease
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.records import delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage
from jobs.verify.audit import Audit
from jobs.verify.logged import Log
from tests.verify.checkpoints import make_checkpoint
from tests.verify.conftest import copy, empty
from tests.verify.making import BATCHES, QUERY

LATE = Batch("stream", QUERY, len(BATCHES), "2026-03-05T12:00:00.000Z")
BODY = b'{"timestamp":"","error":{"message":"m"},"events":["{}"]}'


@pytest.fixture
def storage(archive: Storage, on_aws: Emulator, tmp_path: Path) -> Storage:
    return copy(archive, empty("file", on_aws, tmp_path))


@contextmanager
def finishing_soon(storage: Storage, batch: Batch, written: WrittenObject) -> Iterator[None]:
    """The batch's delivery record appears while the audit runs."""
    record = delivery_record(batch, version="1", source={}, read=written.count, written=[written])
    timer = threading.Timer(8, lambda: write_delivery_record(storage, batch, record))
    timer.start()
    try:
        yield
    finally:
        timer.join(30)


def test_a_batch_under_way_is_waited_for_and_what_a_killed_one_left_is_found(
    storage: Storage, spark: SparkSession
) -> None:
    batch = Batch("stream", QUERY, len(BATCHES), iso(datetime.now(UTC)))
    key, left = (f"errors/{batch.name(name)}.json" for name in ("m", "left"))
    storage.put(key, BODY)
    storage.put(left, BODY)
    strays = ["deliveries/README.txt", f"deliveries/{batch.timestamp[:10]}/{batch.name('stray')}.json"]
    for stray in strays:
        storage.put(stray, b"{")
    written = WrittenObject("error", None, None, "m", 0, 1, len(BODY), "", storage.location(key))
    with finishing_soon(storage, batch, written):
        found = Audit(spark, storage, (), settle_seconds=20).findings.collect()
    due = {("unnamed", left), *(("unreadable", stray) for stray in strays)}
    assert {(row.kind, row.key) for row in found} == due


def begin(storage: Storage, id: str, at: str) -> str:
    """What a backfill leaves that was begun at that time; the key of an object of its."""
    record = {"runId": id, "timestamp": at, "from": "events", "input": {}, "arguments": {}, "plan": []}
    storage.put(f"runs/{id}.json", json.dumps(record).encode())
    key = f"errors/{Batch('backfill', id, 0, at).name('m')}.json"
    storage.put(key, BODY)
    return key


def found_in(spark: SparkSession, storage: Storage) -> dict[str, str]:
    rows = Audit(spark, storage, (), settle_seconds=0).findings.collect()
    assert len({row.key for row in rows}) == len(rows)
    return {row.key: row.kind for row in rows}


def test_a_backfill_at_work_is_no_damage_and_what_one_left_that_nobody_is_at_is_not_unnamed(
    storage: Storage, spark: SparkSession
) -> None:
    """However long ago it began, and whatever the stream has archived since."""
    under_way = begin(storage, "one", "2026-03-01T11:00:00.000Z")
    finished = begin(storage, "two", "2026-03-02T11:00:00.000Z")
    storage.put("runs/two.finished.json", b'{"steps":0}')
    storage.put("runs/damaged.json", b"{}")
    storage.put("runs/timeless.json", b'{"timestamp":"never","plan":[]}')
    storage.put("runs/inside.json", b'{"timestamp":5,"plan":[]}')
    damaged = ("damaged", "timeless", "inside")
    others = {finished: "unnamed", **{f"runs/{id}.json": "unreadable" for id in damaged}}
    with Lease(storage, "runs/one.lease").held():
        assert found_in(spark, storage) == others
    assert found_in(spark, storage) == {under_way: "unfinished", **others}


def test_a_backfill_that_begins_or_ends_while_the_audit_runs_is_no_damage(
    storage: Storage, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(storage, "one", "2026-03-01T11:00:00.000Z")

    def meanwhile(audit: Audit) -> DataFrame:
        storage.put("runs/one.finished.json", b'{"steps":0}')
        begin(storage, "two", iso(datetime.now(UTC)))
        storage.put("runs/two.finished.json", b'{"steps":0}')
        frame: DataFrame = checked(audit)
        return frame

    checked = Audit._checked.func  # type: ignore[attr-defined]
    monkeypatch.setattr(Audit, "_checked", property(cache(meanwhile)))
    assert found_in(spark, storage) == {}


@pytest.fixture
def checkpoint(storage: Storage, tmp_path: Path) -> Storage:
    return make_checkpoint(tmp_path / "checkpoint", storage.uri, BATCHES, LATE)


def test_what_an_interrupted_batch_left_is_unfinished_for_its_next_start_takes_it_over(
    storage: Storage, spark: SparkSession, checkpoint: Storage
) -> None:
    """However long ago it began: a replay keeps the batch's time."""
    key, left = (f"errors/{batch.name('m')}.json" for batch in (LATE, BATCHES[-1]))
    storage.put(key, BODY)
    storage.put(left, BODY)
    rows = Audit(spark, storage, (), settle_seconds=0, checkpoint=checkpoint).findings.collect()
    told = {row.key: (row.kind, row.detail) for row in rows}
    assert len(rows) == len(told) == 2
    assert told[left][0] == "unnamed"
    kind, detail = told[key]
    assert kind == "unfinished"
    assert "batch 4 of query a-query" in detail
    assert "don't remove it" in detail


def test_an_interrupted_batch_that_is_replayed_meanwhile_is_waited_for(
    storage: Storage, spark: SparkSession, checkpoint: Storage
) -> None:
    key = f"errors/{LATE.name('m')}.json"
    storage.put(key, BODY)
    written = WrittenObject("error", None, None, "m", 0, 1, len(BODY), "", storage.location(key))
    with finishing_soon(storage, LATE, written):
        audit = Audit(spark, storage, (), settle_seconds=30, checkpoint=checkpoint)
        assert audit.findings.collect() == []


def test_a_batch_that_begins_while_the_audit_runs_is_unfinished_if_it_takes_long(
    storage: Storage, spark: SparkSession, checkpoint: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"errors/{LATE.name('m')}.json"
    offsets = checkpoint.get("offsets/4")
    checkpoint.delete("offsets/4")
    assert Log(checkpoint, storage.uri).interrupted() is None

    def meanwhile(audit: Audit) -> DataFrame:
        checkpoint.put("offsets/4", offsets)
        storage.put(key, BODY)
        frame: DataFrame = checked(audit)
        return frame

    checked = Audit._checked.func  # type: ignore[attr-defined]
    monkeypatch.setattr(Audit, "_checked", property(cache(meanwhile)))
    (found,) = Audit(spark, storage, (), settle_seconds=0, checkpoint=checkpoint).findings.collect()
    assert (found.kind, found.key) == ("unfinished", key)
