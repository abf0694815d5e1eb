"""The archive job on emulated Kinesis, S3 and Glue: what it is given, it archives, once, and tells of it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import schemas
from jobs.demo.emulator import Emulator
from jobs.report.figures import figures
from jobs.report.lags import read_lags
from jobs.sinks.deliveries import iter_dated_records
from jobs.sinks.storage import open_storage
from tests.faults.one_process import one_process
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed, forget_commit
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Entry, Producer
from tests.oracle import archive as expected_of

FIRST, MORE, BATCH = 700, 150, 300
PREFIX, DATABASE = "some/prefix/", "dmd_end_to_end"


@dataclass(frozen=True)
class Chapter:
    """A run, what had been published by then, and the archive after it."""

    run: Finished
    ledger: list[Entry]
    archive: Archived


@dataclass(frozen=True)
class Story:
    """The runs in their order."""

    first: Chapter
    nothing_new: Chapter
    commit_lost: Chapter
    record_lost: Chapter
    deleted: set[str]

    @property
    def runs(self) -> list[Finished]:
        return [each.run for each in (self.first, self.nothing_new, self.commit_lost, self.record_lost)]


@pytest.fixture(scope="module")
def story(
    aws: Emulator, job: Callable[..., Job], producer: Callable[[int], Producer], bucket: Callable[[], str]
) -> Story:
    source, name, s3 = producer(3), bucket(), aws.client("s3")
    archiving = job(
        source.stream, uri=f"s3://{name}/{PREFIX}", database=DATABASE, max_records_per_batch=BATCH
    )
    checkpoint = archiving.directory / "checkpoint"

    def chapter(run: Finished) -> Chapter:
        return Chapter(run, list(source.ledger), Archived.in_bucket(s3, name, PREFIX))

    half_of_batch_0(checkpoint)
    source.publish_some(seed=1, count=FIRST, huge=1)
    with one_process(archiving) as process:
        first = chapter(process.run())
        nothing_new = chapter(process.run())
        forget_commit(checkpoint, max(committed(checkpoint)))
        source.publish_some(seed=2, count=MORE)
        commit_lost = chapter(process.run())
        forget_commit(checkpoint, max(committed(checkpoint)))
        deleted = newest_record_and_container(commit_lost.archive)
        for key in deleted:
            s3.delete_object(Bucket=name, Key=f"{PREFIX}{key}")
        record_lost = chapter(process.run())
    return Story(first, nothing_new, commit_lost, record_lost, deleted)


def half_of_batch_0(checkpoint: Path) -> None:
    """What a job leaves that was killed while Spark wrote down batch 0."""
    (checkpoint / "offsets").mkdir(parents=True)
    (checkpoint / "offsets" / ".0.5d9e6d2a-6c7f-4a3e-9b1f-0d6f5b1d2c11.tmp").write_text("v1\n{")


def newest_record_and_container(archive: Archived) -> set[str]:
    newest = archive.records[-1]
    container = archive.key(newest["deliveries"][0])
    (record,) = [key for key, body in archive.objects.items() if body and json_of(body) == newest]
    return {record, container}


def json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def test_every_change_event_is_archived_as_the_rules_say_or_is_in_an_archive_error(story: Story) -> None:
    assert len(story.first.run.succeeded().batches) == len(story.first.archive.records) >= FIRST / BATCH
    story.first.archive.holds(story.first.ledger)
    failed = sum(record["counts"]["failed"] for record in story.first.archive.records)
    assert 0 < failed < FIRST / 10


def test_the_report_reads_the_runs_log_and_delivery_records(story: Story, tmp_path: Path) -> None:
    log, storage = tmp_path / "job.log", open_storage(str(tmp_path / "archive"))
    log.write_text(story.first.run.out)
    told = [line["lagMs"] / 1000 for line in story.first.run.batches]
    assert told
    assert [one.seconds for one in read_lags([log], None)] == told
    for key, body in story.first.archive.objects.items():
        if key.startswith("deliveries/"):
            storage.put(key, body)
    found = figures(iter_dated_records(storage))
    counts = [record["counts"] for record in story.first.archive.records]
    assert [one.read for one in found.batches] == [each["read"] for each in counts]
    assert found.archived.total() == sum(each["archived"] for each in counts)
    assert sum(one.events for one in found.open_errors) == sum(each["failed"] for each in counts)


def test_a_run_with_nothing_new_changes_nothing(story: Story) -> None:
    assert story.nothing_new.run.succeeded().batches == []
    assert story.nothing_new.archive.objects == story.first.archive.objects


def test_what_came_later_makes_new_objects_only(story: Story) -> None:
    before, after = story.nothing_new.archive.objects, story.commit_lost.archive.objects
    assert before.items() < after.items()
    story.commit_lost.archive.holds(story.commit_lost.ledger)


def test_a_batch_whose_commit_was_lost_is_not_archived_again(story: Story) -> None:
    replayed, *new = story.commit_lost.run.succeeded().batches
    assert (replayed["replayed"], replayed["batchId"]) == (True, story.first.run.batches[-1]["batchId"])
    assert not any(line["replayed"] for line in new)


def test_a_batch_whose_delivery_record_was_lost_is_written_again_to_the_same_names_and_bytes(
    story: Story,
) -> None:
    (line,) = story.record_lost.run.succeeded().batches
    assert line["replayed"] is False
    assert len(story.deleted) == 2
    assert story.record_lost.archive.objects == story.commit_lost.archive.objects


@pytest.mark.parametrize("type_", schemas.RECORD_TYPES)
def test_spark_reads_the_containers_as_fastavro_does(
    story: Story, spark: SparkSession, tmp_path: Path, type_: str
) -> None:
    archive = story.first.archive
    keys = [key for key in archive.objects if key.startswith(f"data/{type_}/")]
    for number, key in enumerate(keys):
        (tmp_path / f"{number}.avro").write_bytes(archive.objects[key])
    reader = spark.read.format("avro").option("avroSchema", schemas.avro_text(type_))
    rows = (row.asDict(recursive=True) for row in reader.load(str(tmp_path)).collect())
    assert as_json(rows) == as_json(row for key in keys for row in archive.rows(key))


def as_json(rows: Iterator[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


@pytest.mark.parametrize("type_", schemas.RECORD_TYPES)
def test_the_catalog_has_the_table_and_exactly_the_partitions_that_were_delivered(
    story: Story, aws: Emulator, type_: str
) -> None:
    glue, archive = aws.client("glue"), story.record_lost.archive
    table = glue.get_table(DatabaseName=DATABASE, Name=type_)["Table"]
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=type_)
    partitions = [partition for page in pages for partition in page["Partitions"]]
    root = f"s3://{archive.storage['bucket']}/{PREFIX}data/{type_}/"
    delivered = {one["partitionDate"] for record in archive.records for one in record["deliveries"] if one["type"] == type_}  # fmt: skip
    assert {tuple(each["Values"]) for each in partitions} == {(date,) for date in delivered}
    assert table["StorageDescriptor"]["Location"] == root
    for partition in partitions:
        date = partition["Values"][0]
        assert partition["StorageDescriptor"]["Location"] == f"{root}partition_date={date}/"
    for described in (table, *partitions):
        parameters = described["StorageDescriptor"]["SerdeInfo"]["Parameters"]
        assert json.loads(parameters["avro.schema.literal"]) == schemas.avro(type_)


def test_there_is_a_table_of_errors(story: Story, aws: Emulator) -> None:
    table = aws.client("glue").get_table(DatabaseName=DATABASE, Name="errors")["Table"]
    bucket = story.first.archive.storage["bucket"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{bucket}/{PREFIX}errors/"


def test_a_batch_is_one_log_line_that_says_what_its_delivery_record_says(story: Story) -> None:
    records = {record["batchId"]: record for record in story.record_lost.archive.records}
    for line in story.first.run.batches + story.commit_lost.run.batches:
        record = records[line["batchId"]]
        deliveries, errors = record["deliveries"], record["errors"]
        archived: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for one in deliveries:
            archived[one["type"]] += one["count"]
        for one in errors:
            type_ = one["message"].partition(":")[0]
            failed[type_ if type_ in schemas.RECORD_TYPES else "unknown"] += one["count"]
        assert line["batchTime"] == record["timestamp"]
        assert line["read"] == record["counts"]["read"]
        assert (line["archived"], line["failed"]) == (dict(archived), dict(failed))
        assert line["errors"] == {one["message"]: one["count"] for one in errors}
        assert line["objects"] == len(deliveries) + len(errors)
        assert line["bytes"] == sum(one["bytes"] for one in [*deliveries, *errors])
        assert line["pendingPartitions"] == 0
        assert set(line["seconds"]) >= {"lookup", "catalog"}
        assert line["lagMs"] >= 0


def test_records_without_a_system_are_counted_in_the_log(story: Story) -> None:
    """BR-007."""
    counts = []
    for line in story.first.run.batches:
        rows = rows_of(story.first.archive, line["batchId"])
        without = [row for row in rows if row.get("systemUserId") is not None and row["system"] is None]
        assert line["withoutSystem"] == len(without)
        counts.append(len(without))
    assert sum(counts) > 0


def rows_of(archive: Archived, batch: int) -> list[Any]:
    (record,) = [record for record in archive.records if record["batchId"] == batch]
    return [row for one in record["deliveries"] for row in archive.rows(archive.key(one))]


def test_standard_output_is_json_lines_of_few_kinds_only(story: Story) -> None:
    for run in story.runs:
        assert {line["event"] for line in run.lines} <= {"batch", "stopping", "stopped"}
        assert all(line.keys() >= {"event", "level", "timestamp"} for line in run.lines)


def test_no_value_of_a_record_is_in_the_log_or_on_standard_error(story: Story) -> None:
    said = "".join(run.out + run.err for run in story.runs)
    assert not re.search(r"\+1555|example\.com|@", said)
    values = set(telling_values(story.record_lost.ledger))
    assert len(values) > FIRST
    assert [value for value in values if value in said or json.dumps(value)[1:-1] in said] == []


def telling_values(ledger: list[Entry]) -> Iterator[str]:
    """Values that only a record can have brought."""
    names = (
        "fanId",
        "phoneNumber",
        "email",
        "messageBody",
        "systemUserId",
        "eventName",
        "name",
        "saleStartDateTime",
    )
    for rows in expected_of(ledger, "2026-03-01T00:00:00.000Z")[0].values():
        for row in rows:
            values = [row.get(name) for name in names] + [row["reference"]["id"], row["change"]["id"]]
            yield from (value for value in values if value and value != "[redacted]")
