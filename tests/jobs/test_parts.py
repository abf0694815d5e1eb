"""Parts of the job that need no process of their own."""

import os
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import schemas
from jobs import checkpoint
from jobs.archive import Job
from jobs.archive_batch import Archive
from jobs.batch import Batch
from jobs.catalog.glue import NoCatalog
from jobs.settings import ArchiveSettings, SettingsError, SourceSettings
from jobs.sinks.failures import CountsDiffer, DeliveryRecordDiffers, RecordsExpired
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage, open_storage
from jobs.spark_checks import check_pattern, check_spark_reaches
from jobs.stream import ConnectorMissingError, Source, aws_kinesis_source
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import forget_commit
from transforms import SystemUserIdPattern

ENTRY = b'v1\n{"batchTimestampMs":1772368496789}\n{"#reader":"one","#records":3,"shardId-0":"49"}'
BATCH = Batch("stream", "a-query", 3, "2026-03-01T12:34:56.789Z")


def archive(directory: Path, **values: Any) -> Archive:
    settings = ArchiveSettings(uri=str(directory), checkpoint=str(directory))
    return Archive(open_storage(str(directory)), NoCatalog(), schemas.load(), settings, 1, **values)


@pytest.fixture
def outcomes(spark: SparkSession) -> DataFrame:
    """Three change events that can't be archived."""
    rows = spark.range(3).select(F.col("id").cast("string").alias("sequenceNumber"))
    return rows.selectExpr(
        "cast(null as string) as type",
        "cast(null as string) as partitionDate",
        "'the payload is empty' as message",
        """cast(',""' as binary) as body""",
        "false as withoutSystem",
        "'shardId-0' as shardId",
        "sequenceNumber",
    )


@pytest.mark.parametrize("read", [2, 4])
def test_a_batch_that_does_not_add_up_fails_and_gets_no_delivery_record(
    outcomes: DataFrame, tmp_path: Path, read: int
) -> None:
    with pytest.raises(CountsDiffer, match=f"read {read} change events but wrote 0 archived and 3 failed"):
        archive(tmp_path).archive(outcomes, BATCH, {}, read, lambda: None)
    assert not (tmp_path / "deliveries").exists()


def test_where_conf_allows_loss_a_replay_may_find_fewer_records_but_never_more(
    outcomes: DataFrame, tmp_path: Path
) -> None:
    lossy = archive(tmp_path, may_lose=True, interrupted=BATCH.batch_id)
    with pytest.raises(CountsDiffer):
        lossy.archive(outcomes, BATCH, {}, 2, lambda: None)
    lossy.archive(outcomes, BATCH, {"stream": "changes"}, 4, lambda: None)
    (record,) = Archived.in_directory(tmp_path).records
    assert record["counts"] == {"read": 3, "archived": 0, "failed": 3}
    assert record["source"] == {"stream": "changes", "expired": 1}


def test_what_conf_allows_a_replay_to_lose_no_other_batch_may(outcomes: DataFrame, tmp_path: Path) -> None:
    with pytest.raises(CountsDiffer):
        archive(tmp_path, may_lose=True).archive(outcomes, BATCH, {}, 4, lambda: None)
    assert not (tmp_path / "deliveries").exists()


def test_a_replay_that_finds_fewer_records_than_its_batch_had_read_says_that_they_expired(
    outcomes: DataFrame, tmp_path: Path
) -> None:
    replay = archive(tmp_path, interrupted=BATCH.batch_id)
    told = (
        "batch 3 of a-query had read 4 change events, and its replay finds 3: stream changes holds .*"
        "source.fail_on_data_loss=false"
    )
    with pytest.raises(RecordsExpired, match=told):
        replay.archive(outcomes, BATCH, {"stream": "changes"}, 4, lambda: None)
    with pytest.raises(CountsDiffer):
        replay.archive(outcomes, BATCH, {"stream": "changes"}, 2, lambda: None)
    assert not (tmp_path / "deliveries").exists()


def test_an_archived_batch_is_not_committed_for_other_positions_in_the_stream(
    outcomes: DataFrame, tmp_path: Path
) -> None:
    source: dict[str, Any] = {"stream": "s", "shards": {"shardId-0": {"after": "1", "to": "4"}}}
    archive(tmp_path).archive(outcomes, BATCH, source, 3, lambda: None)
    before = Archived.in_directory(tmp_path)
    assert archive(tmp_path).archive(outcomes, BATCH, source, 3, lambda: None).source == source
    other = {**source, "shards": {"shardId-0": {"after": "1", "to": "5"}}}
    with pytest.raises(
        DeliveryRecordDiffers, match="names other positions in the stream than the checkpoint"
    ):
        archive(tmp_path).archive(outcomes, BATCH, other, 3, lambda: None)
    assert Archived.in_directory(tmp_path).objects == before.objects


def test_batches_are_named_by_the_checkpoint_whatever_spark_tells_a_batch(
    spark: SparkSession, outcomes: DataFrame, tmp_path: Path
) -> None:
    checkpoints = open_storage(str(tmp_path / "checkpoint"))
    checkpoints.put("metadata", b'{"id":"of-the-checkpoint"}')
    checkpoints.put("offsets/0", b'v1\n{"batchTimestampMs":1772368496789}\n{"shardId-0":"49"}')
    source = Source("changes", outcomes, None)
    Job(spark, archive(tmp_path / "archive"), checkpoints, source, tmp_path / "progress.json").archive_batch(
        outcomes, 0
    )
    (record,) = Archived.in_directory(tmp_path / "archive").records
    assert (record["queryId"], record["timestamp"]) == ("of-the-checkpoint", "2026-03-01T12:34:56.789Z")


def shared(directory: Path) -> Storage:
    """A checkpoint in whose log is a batch that reader "one" has read."""
    checkpoints = open_storage(str(directory / "checkpoint"))
    checkpoints.put("metadata", b'{"id":"of-the-checkpoint"}')
    checkpoints.put("offsets/0", ENTRY)
    return checkpoints


@pytest.mark.parametrize(
    ("reader", "interrupted", "archived"), [("one", None, 1), ("two", None, 0), ("two", 0, 1)]
)
def test_of_two_jobs_that_log_the_same_batch_the_one_whose_reading_it_is_archives_it(
    spark: SparkSession,
    outcomes: DataFrame,
    tmp_path: Path,
    reader: str,
    interrupted: int | None,
    archived: int,
) -> None:
    """A replay, though, reads what is logged, whoever has read it before."""
    of, source = (
        archive(tmp_path / "archive", interrupted=interrupted),
        Source("changes", outcomes, {}, reader),
    )
    job = Job(spark, of, shared(tmp_path), source, tmp_path / "progress.json")
    with (
        nullcontext()
        if archived
        else pytest.raises(checkpoint.CheckpointError, match="another job uses the same")
    ):
        job.archive_batch(outcomes, 0)
    assert len(Archived.in_directory(tmp_path / "archive").records) == archived
    assert bool(Archived.in_directory(tmp_path / "archive").objects) == bool(archived)


@pytest.mark.parametrize(
    ("key", "body"),
    [("commits/0", b"v1\n{}"), ("offsets/0", ENTRY.replace(b"one", b"two"))],
    ids=["committed", "logged"],
)
def test_a_batch_that_another_job_has_committed_or_logged_anew_meanwhile_gets_no_delivery_record(
    spark: SparkSession, outcomes: DataFrame, tmp_path: Path, key: str, body: bytes
) -> None:
    class Meanwhile(NoCatalog):
        def register(self, written: Iterable[Partition]) -> list[Partition]:
            (tmp_path / "checkpoint" / key).parent.mkdir(exist_ok=True)
            (tmp_path / "checkpoint" / key).write_bytes(body)
            return super().register(written)

    of, source = (
        replace(archive(tmp_path / "archive"), catalog=Meanwhile()),
        Source("changes", outcomes, {}, "one"),
    )
    job = Job(spark, of, shared(tmp_path), source, tmp_path / "progress.json")
    with pytest.raises(checkpoint.CheckpointError, match="another job uses the same"):
        job.archive_batch(outcomes, 0)
    assert not (tmp_path / "archive" / "deliveries").exists()


def test_what_spark_logged_of_a_batch_is_on_the_disk_before_its_delivery_record(
    spark: SparkSession, outcomes: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, log = tmp_path / "checkpoint", tmp_path / "checkpoint" / "offsets"
    log.mkdir(parents=True)
    (folder / "metadata").write_text('{"id":"of-the-checkpoint"}')
    (log / "0").write_text('v1\n{"batchTimestampMs":1772368496789}\n{"shardId-0":"49"}')
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    job = Job(
        spark,
        archive(tmp_path / "archive"),
        open_storage(str(folder)),
        Source("changes", outcomes, None),
        tmp_path / "progress.json",
    )
    job.archive_batch(outcomes, 0)
    (record,) = (tmp_path / "archive").glob("deliveries/*/*")
    logged = [each.stat().st_ino for each in (folder / "metadata", log / "0", log, folder)]
    assert set(logged) <= set(synced[: synced.index(record.stat().st_ino)])


def test_a_source_that_does_not_count_is_believed(outcomes: DataFrame, tmp_path: Path) -> None:
    archive(tmp_path).archive(outcomes, BATCH, {}, None, lambda: None)
    (record,) = Archived.in_directory(tmp_path).records
    assert record["counts"]["read"] == 3


def test_the_connector_of_aws_is_asked_for_where_it_is_missing(spark: SparkSession) -> None:
    settings = SourceSettings(stream="changes", format="aws-kinesis", region="eu-west-1")
    with pytest.raises(ConnectorMissingError, match="add its jar with spark-submit --jars"):
        aws_kinesis_source(spark.newSession(), settings)


def test_a_checkpoint_that_spark_cannot_reach_is_told_before_the_query_starts(spark: SparkSession) -> None:
    with pytest.raises(checkpoint.CheckpointError, match="s3://bucket/p: this Spark has no file system"):
        check_spark_reaches(spark, open_storage("s3://bucket/p"))


def test_a_checkpoint_in_a_directory_is_fine(spark: SparkSession, tmp_path: Path) -> None:
    check_spark_reaches(spark, open_storage(str(tmp_path)))


def test_a_pattern_that_java_refuses_is_a_problem_of_the_conf_before_the_query_starts(
    spark: SparkSession,
) -> None:
    in_python = SystemUserIdPattern.of(r"^(?<id>\w+)[.](?<databaseId>\w+)[.](?<memberId>\w+)(?<rest_of>.*)$")
    with pytest.raises(
        SettingsError, match=r"^system_user_id.pattern: Java refuses it: named capturing group"
    ):
        check_pattern(spark, in_python)
    check_pattern(spark, SystemUserIdPattern.of())


@pytest.mark.parametrize("owner", [b"", b"[]", b'{"x":1}'])
def test_a_checkpoint_whose_archive_cannot_be_read_is_told_in_words(tmp_path: Path, owner: bytes) -> None:
    (tmp_path / "archive.json").write_bytes(owner)
    with pytest.raises(checkpoint.CheckpointError, match=r"archive.json in the checkpoint .*: restore it"):
        checkpoint.claim(open_storage(str(tmp_path)), "s3://bucket/p")


def test_a_mark_of_a_batch_is_readable_where_spark_can_read_it(spark: SparkSession, tmp_path: Path) -> None:
    """After a loss of power it may be empty; deleted with its checksum, as we say then, it lets the batch run once more."""

    def run() -> list[int]:
        batches: list[int] = []
        stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
        writer = stream.writeStream.foreachBatch(lambda _, number: batches.append(number))
        writer = writer.option("checkpointLocation", str(tmp_path)).trigger(availableNow=True)
        writer.start().awaitTermination(60)
        return batches

    mark, storage = tmp_path / "commits" / "0", open_storage(str(tmp_path))
    assert run() == [0]
    whole = mark.read_bytes()
    assert checkpoint.interrupted_batch(storage) is None
    for damaged in (b"", whole[:-3], b"\0" * len(whole)):
        mark.write_bytes(damaged)
        with pytest.raises(checkpoint.CheckpointError, match=r"commits/0 in the checkpoint .*: delete it"):
            checkpoint.interrupted_batch(storage)
        with pytest.raises(StreamingQueryException):
            run()
    forget_commit(tmp_path, 0)
    assert checkpoint.interrupted_batch(storage) == 0
    assert run()[0] == 0


@pytest.mark.parametrize(
    "entry",
    [
        None,
        b"",
        b"v1\n{}\n{}",
        b"v1\nnot json\n{}",
        b'v1\n{"batchTimestampMs":1}',
        b"v1\n[]\n{}",
        b'v1\n{"batchTimestampMs":1}\n7',
    ],
)
def test_an_offset_log_that_cannot_be_read_is_told_in_words(tmp_path: Path, entry: bytes | None) -> None:
    if entry is not None:
        (tmp_path / "offsets").mkdir()
        (tmp_path / "offsets" / "7").write_bytes(entry)
    with pytest.raises(checkpoint.CheckpointError, match="no readable offsets/7: restore it"):
        checkpoint.logged_batch(open_storage(str(tmp_path)), 7)
