"""The one write of a batch, on Spark: every outcome is in exactly one object, in stream order."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, BooleanType, StringType, StructField, StructType

from jobs.batch import Batch
from jobs.demo.emulator import Emulator
from jobs.session import settings_of
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.failures import ArchivedObjectDiffers, BadOutcomes, MissingBucket, UnknownCodec
from jobs.sinks.formats import Containers
from jobs.sinks.records import delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage, open_storage
from jobs.sinks.write import write
from tests.sinks.outcomes import SCHEMAS, Outcome, contents, failure, record, records_in

COLUMNS = StructType(
    [
        StructField(name, {"body": BinaryType(), "withoutSystem": BooleanType()}.get(name, StringType()))
        for name in (
            "type",
            "partitionDate",
            "message",
            "body",
            "withoutSystem",
            "shardId",
            "sequenceNumber",
        )
    ]
)
Row = tuple[Any, ...]


def placed(outcome: Outcome, shard: int | None, sequence: int | None) -> Row:
    shard_id = None if shard is None else f"shardId-{shard:012d}"
    return (*outcome, shard_id, None if sequence is None else str(sequence))


def frame(spark: SparkSession, rows: Sequence[Row], partitions: int) -> DataFrame:
    return spark.createDataFrame(spark.sparkContext.parallelize(rows, partitions), COLUMNS)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Outcomes of several groups on two shards, in no order; record and event texts hold their number."""
    made = []
    for number in range(400):
        where = (number % 2, 10**55 + number)
        if number % 10 == 9:
            made.append(placed(failure(f"event {number}", f"message {number % 20}"), *where))
        else:
            group = ("demand", "sale")[number % 3 % 2], f"2026-03-0{number % 4 + 1}"
            made.append(placed(record(number, *group), *where))
    random.Random(1).shuffle(made)
    return made


def read_back(storage: Storage, written: Sequence[WrittenObject]) -> Iterator[tuple[str, int]]:
    """What each object says of its group, and the numbers in it in their order."""
    for one in written:
        (key,) = [key for key in storage.list() if one.storage["key"].endswith(key)]
        body = storage.get(key)
        if one.kind == "delivery":
            yield from ((f"{one.type} {one.partition_date}", each["id"]) for each in records_in(body))
        else:
            yield from ((str(one.message), int(event.split()[1])) for event in json.loads(body)["events"])


@pytest.mark.parametrize("partitions", [1, 3])
def test_every_outcome_is_in_exactly_one_object_in_stream_order(
    partitions: int, rows: list[Row], spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    written = write(frame(spark, rows, 4), batch, directory, SCHEMAS, partitions=partitions)
    expected: dict[str, list[int]] = {}
    for number in [*range(0, 400, 2), *range(1, 400, 2)]:
        of_error = number % 10 == 9
        name = (
            f"message {number % 20}"
            if of_error
            else f"{('demand', 'sale')[number % 3 % 2]} 2026-03-0{number % 4 + 1}"
        )
        expected.setdefault(name, []).append(number)
    found: dict[str, list[int]] = {}
    for name, number in read_back(directory, written):
        found.setdefault(name, []).append(number)
    assert found == expected
    assert len(written) == len(expected) == len(list(directory.list()))
    assert sum(one.count for one in written) == 400
    assert [one.order for one in written] == sorted(one.order for one in written)


def test_a_replay_on_other_partitions_writes_the_same_bytes(
    rows: list[Row], spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, batch: Batch
) -> None:
    archives, reports = [], []
    for into, given, size in ((1, 1, "10000"), (2, 5, "7"), (8, 3, "1")):
        storage = open_storage(str(tmp_path_factory.mktemp("archive")))
        with settings_of(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": size}):
            shuffled = random.Random(into).sample(rows, len(rows))
            written = write(
                frame(spark, shuffled, given),
                batch,
                storage,
                SCHEMAS,
                partitions=into,
                containers=Containers(codec="null", max_bytes=1500),
            )
        archives.append(contents(storage))
        reports.append([(one.roll, one.count, one.bytes, one.sha256) for one in written])
    assert archives[0] == archives[1] == archives[2]
    assert reports[0] == reports[1] == reports[2]
    assert max(roll for roll, *_ in reports[0]) > 0


def test_sequence_numbers_are_ordered_as_numbers(
    spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    numbers = [9, 10, 99, 100, 10**55, 10**55 + 1, 2 * 10**55]
    rows = [placed(record(number % 1000, text=str(number)), 0, number) for number in numbers]
    written = write(frame(spark, rows[::-1], 1), batch, directory, SCHEMAS, partitions=1)
    (key,) = directory.list()
    assert [each["text"] for each in records_in(directory.get(key))] == [str(number) for number in numbers]
    assert [one.count for one in written] == [7]


def test_rows_without_a_sequence_number_have_an_order_too(
    spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    rows = [placed(record(number % 5, text=f"{number:03}"), None, None) for number in range(50)]
    for seed in (1, 2):
        shuffled = random.Random(seed).sample(rows, len(rows))
        written = write(frame(spark, shuffled, seed), batch, directory, SCHEMAS, partitions=1)
        assert [one.count for one in written] == [50]
        commit(directory, batch, written)


def test_the_frame_is_evaluated_once(
    rows: list[Row], spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    evaluated = spark.sparkContext.accumulator(0)

    def counted(batches: Any) -> Any:
        for each in batches:
            evaluated.add(each.num_rows)
            yield each

    outcomes = frame(spark, rows, 3).mapInArrow(counted, COLUMNS)
    write(outcomes, batch, directory, SCHEMAS, partitions=2)
    assert evaluated.value == 400


def test_an_empty_batch_writes_nothing(spark: SparkSession, directory: Storage, batch: Batch) -> None:
    for partitions in (1, 2):
        assert write(frame(spark, [], 1), batch, directory, SCHEMAS, partitions=partitions) == []
    assert contents(directory) == {}


def commit(storage: Storage, batch: Batch, written: Sequence[WrittenObject]) -> None:
    read = sum(one.count for one in written)
    write_delivery_record(
        storage, batch, delivery_record(batch, version="1", source={}, read=read, written=written)
    )


def test_a_replay_of_an_archived_batch_changes_nothing_or_fails(
    rows: list[Row], spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    commit(directory, batch, write(frame(spark, rows, 2), batch, directory, SCHEMAS, partitions=2))
    before = contents(directory)
    commit(directory, batch, write(frame(spark, rows, 2), batch, directory, SCHEMAS, partitions=2))
    assert contents(directory) == before
    with pytest.raises(ArchivedObjectDiffers, match="batch 7"):
        write(frame(spark, rows[:200], 2), batch, directory, SCHEMAS, partitions=2)
    assert contents(directory) == before


def test_what_a_task_met_is_raised_as_it_was(
    rows: list[Row], spark: SparkSession, batch: Batch, directory: Storage, workers_on_aws: None
) -> None:
    with pytest.raises(MissingBucket) as raised:
        write(frame(spark, rows, 2), batch, open_storage("s3://no-such-bucket/p"), SCHEMAS, partitions=1)
    assert (
        raised.value.message
        == "bucket no-such-bucket doesn't exist: create it, or correct archive.uri or archive.checkpoint"
    )
    unknown = frame(spark, [placed(Outcome("venue", "2026-03-01", None, b""), 0, 1)], 1)
    with pytest.raises(BadOutcomes, match="known type"):
        write(unknown, batch, directory, SCHEMAS, partitions=1)


def test_an_unknown_codec_fails_before_spark_starts(
    spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    outcomes = spark.range(1).select(F.raise_error(F.lit("evaluated")).alias("type"))
    with pytest.raises(UnknownCodec):
        write(outcomes, batch, directory, SCHEMAS, partitions=1, containers=Containers(codec="lzma"))


@pytest.fixture
def workers_on_aws(spark: SparkSession, on_aws: Emulator) -> Iterator[None]:
    """Lead the workers to the emulator as well: they have the environment of Spark's start otherwise."""
    environment = spark.sparkContext.environment
    added = {name: value for name, value in on_aws.environment().items() if name.startswith("AWS_")}
    environment.update(added)
    yield
    for name in added:
        del environment[name]


def test_an_archive_on_s3(
    rows: list[Row], spark: SparkSession, bucket: str, batch: Batch, directory: Storage, workers_on_aws: None
) -> None:
    storage = open_storage(f"s3://{bucket}/some/prefix")
    written = write(
        frame(spark, rows, 2), batch, storage, SCHEMAS, partitions=2, containers=Containers(max_bytes=3000)
    )
    write(
        frame(spark, rows, 2), batch, directory, SCHEMAS, partitions=2, containers=Containers(max_bytes=3000)
    )
    assert contents(storage) == contents(directory)
    assert {(one.storage["type"], one.storage["bucket"]) for one in written} == {("s3", bucket)}
    assert {one.storage["key"] for one in written} == {f"some/prefix/{key}" for key in storage.list()}


def test_containers_are_what_sparks_own_reader_expects(
    rows: list[Row], spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    write(frame(spark, rows, 2), batch, directory, SCHEMAS, partitions=2)
    table = (
        spark.read.format("avro")
        .option("avroSchema", SCHEMAS["sale"].avro_text)
        .load(f"{directory.uri}/data/sale")
    )
    expected = sorted(number for number in range(400) if number % 10 != 9 and number % 3 % 2)
    found = table.select("id", "date.at", "partition_date").collect()
    assert sorted(row.id for row in found) == expected
    assert {str(row.partition_date) for row in found} == {f"2026-03-0{day}" for day in range(1, 5)}
    assert {row.at is None for row in found} == {True, False}
