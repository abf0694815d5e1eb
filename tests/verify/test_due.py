"""What the checkpoint and the records of backfills tell as archived has delivery records, the last of all too."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.demo.emulator import Emulator
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.names import delivery_record_key
from jobs.sinks.records import delivery_record
from jobs.sinks.storage import Storage, open_storage
from jobs.verify.audit import Audit
from jobs.verify.due import NOTHING, StreamBatches, stream_batches
from tests.verify.conftest import copy, empty
from tests.verify.making import BATCHES, QUERY, own, record_of

LAST = BATCHES[-1]
NEXT = Batch("stream", QUERY, len(BATCHES), "2026-03-05T12:00:00.000Z")
RUN, RUN_TIME = "3f0c8a1e-0000-5000-8000-000000000000", "2026-03-06T12:00:00.000Z"
Found = set[tuple[str, str]]


@pytest.fixture
def storage(archive: Storage, on_aws: Emulator, tmp_path: Path) -> Storage:
    return copy(archive, empty("file", on_aws, tmp_path))


@pytest.fixture
def audited(storage: Storage, spark: SparkSession) -> Callable[..., Found]:
    """What an audit finds whose job was so far."""

    def found(stream: StreamBatches = NOTHING, since: str | None = None) -> Found:
        rows = Audit(spark, storage, (), since, stream, settle_seconds=0).findings.collect()
        return {(row.kind, row.detail if row.kind == "gap" else row.key) for row in rows}

    return found


def checkpoint_of(directory: Path, archive: str, *batches: Batch, done: int) -> Storage:
    """A checkpoint as Spark and the job leave it, that many of whose batches are done."""
    checkpoint = open_storage(str(directory / "checkpoint"))
    checkpoint.put("archive.json", json.dumps({"uri": archive}).encode())
    checkpoint.put("metadata", json.dumps({"id": QUERY}).encode())
    for number, batch in enumerate(batches):
        millis = int(datetime.fromisoformat(batch.timestamp).timestamp() * 1000)
        log = ["v1", json.dumps({"batchTimestampMs": millis}), "{}"]
        checkpoint.put(f"offsets/{batch.batch_id}", "\n".join(log).encode())
        if number < done:
            checkpoint.put(f"commits/{batch.batch_id}", b"v1\n{}")
    return checkpoint


def test_a_checkpoint_tells_which_batch_is_done_and_which_is_begun(tmp_path: Path) -> None:
    of = "file:///archive"
    begun = checkpoint_of(tmp_path / "a", of, *BATCHES, NEXT, done=len(BATCHES))
    assert stream_batches(begun, of) == StreamBatches(LAST, NEXT)
    done = checkpoint_of(tmp_path / "b", of, *BATCHES, done=len(BATCHES))
    assert stream_batches(done, of) == StreamBatches(LAST, None)
    first = checkpoint_of(tmp_path / "c", of, BATCHES[0], done=0)
    assert stream_batches(first, of) == StreamBatches(None, BATCHES[0])


def test_a_checkpoint_that_is_not_there_is_of_another_archive_or_damaged_tells_nothing(
    tmp_path: Path,
) -> None:
    missing = open_storage(str(tmp_path / "missing"))
    assert stream_batches(missing, "file:///archive") == NOTHING
    assert not (tmp_path / "missing").exists()
    other = checkpoint_of(tmp_path / "a", "s3://elsewhere", *BATCHES, done=len(BATCHES))
    assert stream_batches(other, "file:///archive") == NOTHING
    other.put("offsets/9", b"")
    assert stream_batches(other, "s3://elsewhere") == NOTHING


def test_the_records_of_the_last_batches_are_missed(storage: Storage, audited: Callable[..., Found]) -> None:
    assert audited(StreamBatches(LAST)) == set()
    left = {("unnamed", own(one)) for one in named(storage, LAST)}
    storage.delete(delivery_record_key(LAST))
    assert audited() == left
    told = ("gap", f"batch {LAST.batch_id} of query {QUERY} has no delivery record")
    assert audited(StreamBatches(LAST)) == {told, *left}
    assert told in audited(StreamBatches(LAST), since=LAST.timestamp[:10])
    assert audited(StreamBatches(LAST), since=NEXT.timestamp[:10]) == set()


def test_all_records_of_a_query_are_missed(storage: Storage, audited: Callable[..., Found]) -> None:
    for batch in BATCHES:
        storage.delete(delivery_record_key(batch))
    told = ("gap", f"batches 0 to {LAST.batch_id} of query {QUERY} have no delivery record")
    assert told in audited(StreamBatches(LAST))


def test_what_a_begun_batch_has_written_is_not_to_be_removed(
    storage: Storage, audited: Callable[..., Found]
) -> None:
    key = f"errors/{NEXT.name('m')}.json"
    storage.put(key, b'{"timestamp":"","error":{"message":"m"},"events":["{}"]}')
    assert audited(StreamBatches(LAST)) == {("unnamed", key)}
    assert audited(StreamBatches(LAST, NEXT)) == {("unfinished", key)}


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ((0, 1, 2), None),
        ((0, 1), "step 2 of run {run} has no delivery record"),
        ((0, 2), "step 1 of run {run} has no delivery record"),
        ((), "steps 0 to 2 of run {run} have no delivery record"),
    ],
)
def test_the_records_of_a_finished_backfills_steps_are_missed(
    storage: Storage, audited: Callable[..., Found], kept: tuple[int, ...], told: str | None
) -> None:
    storage.put(f"runs/{RUN}.json", json.dumps({"timestamp": RUN_TIME, "plan": None}).encode())
    storage.put(f"runs/{RUN}.finished.json", json.dumps({"runId": RUN, "steps": 3}).encode())
    for number in kept:
        step = Batch("backfill", RUN, number, RUN_TIME)
        record = delivery_record(step, version="1", source={}, read=0, written=[])
        write_delivery_record(storage, step, record)
    due = {("gap", told.format(run=RUN))} if told else set()
    assert audited() == due
    assert audited(since=RUN_TIME[:10]) == due
    assert audited(since="2026-03-07") == set()


def named(storage: Storage, batch: Batch) -> list[dict[str, dict[str, str]]]:
    record = record_of(storage, batch)
    return [*record["deliveries"], *record["errors"]]
