"""A delivery record that is lost at the end of a query or of a run, where no later one shows it."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from jobs.backfill.options import Options
from jobs.backfill.run import backfill
from jobs.batch import Batch
from jobs.demo.emulator import Emulator
from jobs.demo.generator import events
from jobs.settings import ArchiveSettings, Settings, SourceSettings
from jobs.sinks.names import delivery_record_key
from jobs.sinks.storage import Storage, open_storage
from jobs.sources.kinesis.offsets import TRIM_HORIZON
from jobs.verify.audit import Audit
from jobs.verify.finished import finished_runs
from jobs.verify.logged import Log
from tests.verify.checkpoints import make_checkpoint
from tests.verify.conftest import copy, empty
from tests.verify.making import BATCHES, QUERY, SHARDS

NEXT = Batch("stream", QUERY, len(BATCHES), "2026-03-05T12:00:00.000Z")


@pytest.fixture
def storage(archive: Storage, on_aws: Emulator, tmp_path: Path) -> Storage:
    return copy(archive, empty("file", on_aws, tmp_path))


@pytest.fixture
def checkpoint(storage: Storage, tmp_path: Path) -> Storage:
    return make_checkpoint(tmp_path / "checkpoint", storage.uri, BATCHES, NEXT)


def lose(storage: Storage, *batches: Batch) -> None:
    for batch in batches:
        storage.delete(delivery_record_key(batch))


def gaps(
    spark: SparkSession, storage: Storage, checkpoint: Storage | None, since: str | None = None
) -> list[Row]:
    """The findings but for the objects of the lost records."""
    found = Audit(spark, storage, (), since, settle_seconds=0, checkpoint=checkpoint).findings
    return found.where("kind != 'unnamed'").orderBy("kind", "detail").collect()


def told(rows: Sequence[Row]) -> set[tuple[str, str]]:
    assert {row.kind for row in rows} <= {"gap"}
    return {(row.key, row.detail) for row in rows if "has" in row.detail or "have" in row.detail}


def test_what_is_committed_and_has_its_delivery_record_is_no_gap(
    spark: SparkSession, storage: Storage, checkpoint: Storage
) -> None:
    assert gaps(spark, storage, checkpoint) == []


def test_a_committed_batch_without_a_delivery_record_is_a_gap(
    spark: SparkSession, storage: Storage, checkpoint: Storage
) -> None:
    lose(storage, *BATCHES[-2:])
    last = delivery_record_key(BATCHES[-1])
    found = gaps(spark, storage, checkpoint)
    assert told(found) == {(last, "batches 2 to 3 of query a-query have no delivery record")}
    # Where each shard stood shows it too.
    assert len(found) == 1 + SHARDS
    (one,) = gaps(spark, storage, checkpoint, BATCHES[-1].timestamp[:10])
    assert (one.key, one.detail) == (last, "batch 3 of query a-query has no delivery record")
    lose(storage, *BATCHES[:-2])
    (one,) = gaps(spark, storage, checkpoint)
    assert (one.key, one.number) == (last, 4)


def test_the_beginning_of_the_days_that_are_looked_at_is_missed_too(
    spark: SparkSession, storage: Storage, checkpoint: Storage
) -> None:
    lose(storage, BATCHES[1])
    (found,) = gaps(spark, storage, checkpoint, BATCHES[1].timestamp[:10])
    assert (found.kind, found.key) == ("gap", delivery_record_key(BATCHES[2]))
    assert gaps(spark, storage, checkpoint, BATCHES[2].timestamp[:10]) == []


@pytest.mark.parametrize(
    ("since", "first"),
    [(None, 0), ("2026-02-01", 0), ("2026-03-01", 0), ("2026-03-03", 2), ("2026-03-05", 4)],
)
def test_the_log_tells_the_first_batch_of_a_day(
    checkpoint: Storage, storage: Storage, since: str | None, first: int
) -> None:
    committed = Log(checkpoint, storage.uri).committed(since)
    assert committed
    assert (committed.last, committed.first, committed.start) == (BATCHES[-1], first, TRIM_HORIZON)
    assert Log(checkpoint, storage.uri).interrupted() == NEXT


def test_what_spark_has_forgotten_is_not_needed(checkpoint: Storage, storage: Storage) -> None:
    for number in (0, 1):
        checkpoint.delete(f"offsets/{number}")
    committed = Log(checkpoint, storage.uri).committed("2026-02-01")
    assert committed
    assert (committed.last, committed.first) == (BATCHES[-1], 2)


def test_a_checkpoint_that_is_not_there_or_of_another_archive_says_nothing_and_is_left_alone(
    storage: Storage, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    others = make_checkpoint(tmp_path / "other", "file:///another/archive", BATCHES, NEXT)
    damaged = make_checkpoint(tmp_path / "damaged", storage.uri, BATCHES, NEXT)
    damaged.delete("metadata")
    out_of_reach = open_storage("s3://no-such-bucket/checkpoint")
    for one in (open_storage(str(nowhere)), others, damaged, out_of_reach):
        assert Log(one, storage.uri).committed(None) is None
        assert Log(one, storage.uri).interrupted() is None
    assert not nowhere.exists()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    place = ArchiveSettings(uri=str(tmp_path / "filled"), checkpoint=str(tmp_path / "none"))
    return Settings(source=SourceSettings(stream="fans"), archive=place)


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """Three files, a step each."""
    changes = [change.data for change in events(11, 9)]
    folder = tmp_path / "saved"
    folder.mkdir()
    for number in range(3):
        part = changes[number * 3 : number * 3 + 3]
        (folder / f"{number}.json.gz").write_bytes(gzip.compress(b"\n".join(part), mtime=0))
    return Options("events", input=str(folder), step_bytes=1)


def steps_of(storage: Storage) -> list[str]:
    """The keys of the run's delivery records, by step."""
    keys = list(storage.list("deliveries/"))
    return sorted(keys, key=lambda key: json.loads(storage.get(key))["batchId"])


def test_a_step_of_a_finished_run_without_a_delivery_record_is_a_gap_until_the_run_is_made_to_go_on(
    spark: SparkSession, settings: Settings, options: Options
) -> None:
    storage = settings.archive.open_archive()
    backfill(settings, options)
    steps = steps_of(storage)
    assert len(steps) == 3
    storage.delete(steps[0])
    storage.delete(steps[2])
    (finished,) = [key for key in storage.list("runs/") if key.endswith(".finished.json")]
    for since in (None, steps[0].split("/")[1]):
        found = gaps(spark, storage, None, since)
        assert {(row.kind, row.key, row.number) for row in found} == {
            ("gap", steps[1], 1),
            ("gap", finished, 1),
        }
        assert [row.detail.split(" of run ")[0] for row in found] == ["step 0", "step 2"]
    assert finished_runs(storage, "2100-01-01") == ([], [])
    # What the docs advise: the run goes on, and its steps are archived again, to the same names.
    storage.delete(finished)
    assert {row.key for row in gaps(spark, storage, None) if row.kind == "gap"} == {steps[1]}
    backfill(settings, options)
    assert Audit(spark, storage, (), settle_seconds=0).findings.collect() == []
    assert steps_of(storage) == steps


def test_each_record_of_a_finished_run_that_is_none_is_told(spark: SparkSession, storage: Storage) -> None:
    bodies = {
        "runs/nothing.finished.json": b"{}",
        "runs/infinite.finished.json": b'{"steps":1e999}',
        "runs/huge.finished.json": b'{"steps":%d}' % 10**30,
        "runs/negative.finished.json": b'{"steps":-1}',
        "runs/text.finished.json": b'{"steps":"3"}',
        "runs/deep.finished.json": b"[" * 100_000,
    }
    for key, body in bodies.items():
        storage.put(key, body)
    found = [(row.kind, row.key) for row in gaps(spark, storage, None)]
    assert sorted(found) == [("unreadable", key) for key in sorted(bodies)]
