"""Parquet containers: the Avro archive's records in the same order, under the same names but for the ending."""

import decimal
import io
import json
import random
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import schemas
from jobs.batch import Batch
from jobs.containers import records_of
from jobs.demo.generator import events
from jobs.session import settings_of
from jobs.sinks.failures import BadOutcomes, UnknownCodec
from jobs.sinks.formats import Containers
from jobs.sinks.parquet import COMPRESSION
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage, open_storage
from jobs.sinks.write import write
from schemas import RecordSchema
from tests.sinks.outcomes import SCHEMAS, Outcome, contents, failure, record, thing
from tests.sinks.test_write import Row, frame, placed
from transforms import SystemUserIdPattern, outcomes

THINGS = {type: SCHEMAS[type] for type in ("demand", "sale")}
PARQUET = Containers("parquet")


def parquet(body: bytes) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(body))


def records_in(storage: Storage, written: list[WrittenObject]) -> list[list[dict[str, Any]]]:
    """The records of each container, in the containers' order."""
    keys = [one.storage["key"] for one in written if one.kind == "delivery"]
    found = [records_of(key, storage.get(key)) for key in keys]
    return [list(each) for each in found if each is not None]


class Both:
    """The same outcomes, archived as Avro and as Parquet."""

    def __init__(self, made: DataFrame, known: Mapping[str, RecordSchema], batch: Batch, into: Path) -> None:
        self.avro, self.parquet = open_storage(str(into / "avro")), open_storage(str(into / "parquet"))
        self.in_avro = write(made, batch, self.avro, known, partitions=2)
        self.in_parquet = write(made, batch, self.parquet, known, partitions=2, containers=PARQUET)


@pytest.fixture(scope="module")
def both(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """What `make demo` archives, and the many ways in which its events are bad."""
    batch = Batch("stream", "a-query", 7, "2026-03-01T12:34:56.789Z")
    payloads = [(bytearray(event.data), "shard", str(number)) for number, event in enumerate(events(5, 1500))]
    rows = spark.createDataFrame(payloads, "data binary, shardId string, sequenceNumber string")
    known = schemas.load()
    made = outcomes(rows, known, F.lit(batch.timestamp), SystemUserIdPattern.of())
    return Both(made, known, batch, tmp_path_factory.mktemp("both"))


def test_every_record_with_its_nested_fields_and_nulls_is_the_avro_archives(both: Both) -> None:
    expected, found = records_in(both.avro, both.in_avro), records_in(both.parquet, both.in_parquet)
    assert found == expected
    assert {one["type"] for records in found for one in records} == set(schemas.RECORD_TYPES)
    assert any("system" in one and one["system"] is None for records in found for one in records)
    assert any(one.get("isDeleted") for records in found for one in records)


def test_br_013_names_are_the_avro_archives_but_for_the_ending(both: Both) -> None:
    keys = list(both.parquet.list())
    assert [key.replace(".parquet", ".avro") for key in keys] == list(both.avro.list())
    assert {key.rpartition(".")[2] for key in keys if key.startswith("data/")} == {"parquet"}


def test_archive_errors_are_the_avro_archives(both: Both) -> None:
    def errors(storage: Storage) -> dict[str, bytes]:
        return {key: storage.get(key) for key in storage.list("errors/")}

    assert errors(both.parquet) == errors(both.avro) != {}


def test_what_is_told_of_each_object_is_the_same_but_for_its_bytes(both: Both) -> None:
    told = [
        [(one.order, one.count, one.without_system) for one in written]
        for written in (both.in_avro, both.in_parquet)
    ]
    assert told[0] == told[1]
    for one in both.in_parquet:
        assert len(both.parquet.get(one.storage["key"])) == one.bytes


@pytest.mark.parametrize("type", schemas.RECORD_TYPES)
def test_spark_reads_both_archives_alike(type: str, both: Both, spark: SparkSession) -> None:
    as_avro = spark.read.format("avro").load(f"{both.avro.uri}/data/{type}")
    as_parquet = spark.read.parquet(f"{both.parquet.uri}/data/{type}")
    assert as_parquet.columns == as_avro.columns
    assert as_parquet.exceptAll(as_avro).count() == as_avro.exceptAll(as_parquet).count() == 0
    assert as_parquet.count() > 0


def test_columns_are_required_where_the_schema_says_so(both: Both) -> None:
    key = next(key for key in both.parquet.list("data/demand/"))
    schema = parquet(both.parquet.get(key)).schema_arrow
    required = {field.name for field in schema if not field.nullable}
    avro = schemas.avro("demand")["fields"]
    assert required == {field["name"] for field in avro if not isinstance(field["type"], list)}
    assert [field.name for field in schema] == [field["name"] for field in avro]


def test_a_container_carries_its_avro_schema(both: Both) -> None:
    for one in both.in_parquet:
        if one.kind == "delivery":
            metadata = parquet(both.parquet.get(one.storage["key"])).metadata.metadata
            assert metadata == {b"avro.schema": schemas.avro_text(str(one.type)).encode()}


KINDS: list[Any] = [
    "int", "long", "float", "double", "boolean", "bytes",
    {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9},
    {"type": "array", "items": ["null", "string"]},
    {"type": "map", "values": "long"},
    {"type": "record", "name": "Inner", "fields": [
        {"name": "deep", "type": ["null", {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
            {"name": "n", "type": ["null", "long"]}]}}]}]},
]  # fmt: skip
VALUES: list[Any] = [
    -7, 2**62, 0.5, 1e300, True, b"\x00\xff",
    decimal.Decimal("-12345678901234567890.123456789"),
    ["a", None, ""],
    {"ü": 1},
    {"deep": [{"n": None}, {"n": 3}]},
]  # fmt: skip


def test_every_avro_type_that_a_schema_may_use(spark: SparkSession, batch: Batch, tmp_path: Path) -> None:
    fields = [{"name": f"f{number}", "type": ["null", kind]} for number, kind in enumerate(KINDS)]
    avro = {"type": "record", "name": "All", "fields": fields}
    known = {"sale": RecordSchema("sale", json.dumps(avro), ())}
    whole = {f"f{number}": value for number, value in enumerate(VALUES)}
    values: list[dict[str, Any]] = [whole, dict.fromkeys(whole), {**whole, "f7": [], "f9": {"deep": None}}]
    rows: list[Row] = []
    for number, value in enumerate(values):
        datum = io.BytesIO()
        fastavro.schemaless_writer(datum, fastavro.parse_schema(avro), value)
        rows.append(placed(Outcome("sale", "2026-03-01", None, datum.getvalue()), 0, number))
    both = Both(frame(spark, rows, 1), known, batch, tmp_path)
    assert records_in(both.parquet, both.in_parquet) == records_in(both.avro, both.in_avro) == [values]


def noise(number: int) -> str:
    return secrets.token_hex(number * 37 % 900)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Records that hardly compress, in two groups, and errors."""
    made = [placed(record(n, ("demand", "sale")[n % 2], text=noise(n)), n % 3, n) for n in range(1200)]
    made += [placed(failure(f"event {n}"), 0, n) for n in range(100)]
    random.Random(1).shuffle(made)
    return made


@pytest.mark.parametrize("spread", [False, True])
def test_a_replay_on_other_partitions_writes_the_same_bytes(
    spread: bool, rows: list[Row], spark: SparkSession, tmp_path: Path, batch: Batch
) -> None:
    archives, containers = [], Containers("parquet", max_bytes=60_000)
    for into, given, size in ((1, 1, "10000"), (2, 5, "7"), (5, 3, "100")):
        storage = open_storage(str(tmp_path / str(into)))
        shuffled = random.Random(into).sample(rows, len(rows))
        with settings_of(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": size}):
            write(frame(spark, shuffled, given), batch, storage, THINGS, partitions=into, containers=containers, spread=spread)  # fmt: skip
        archives.append(contents(storage))
    assert archives[0] == archives[1] == archives[2]
    assert len(archives[0]) > 4


@pytest.mark.parametrize("codec", COMPRESSION)
def test_a_container_rolls_before_the_limit_whatever_the_codec(
    codec: str, rows: list[Row], spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    limit = 150_000
    containers = Containers("parquet", codec, limit)
    written = write(frame(spark, rows, 2), batch, directory, THINGS, partitions=1, containers=containers)
    made = [one for one in written if one.type == "demand"]
    assert [one.roll for one in made] == list(range(len(made)))
    assert len(made) > 1
    assert max(one.bytes for one in made) <= limit
    ids = [each["id"] for records in records_in(directory, made) for each in records]
    assert len(ids) == 600
    assert ids == sorted(ids, key=lambda id: (id % 3, id))
    for one in made:
        used = parquet(directory.get(one.storage["key"])).metadata.row_group(0).column(0).compression
        assert used == {"null": "UNCOMPRESSED", "deflate": "GZIP", "snappy": "SNAPPY", "zstandard": "ZSTD"}[codec]  # fmt: skip


def test_a_container_holds_several_row_groups_and_ends_near_its_limit(
    spark: SparkSession, directory: Storage, batch: Batch
) -> None:
    limit = 4 << 20
    rows = [placed(record(n, text=secrets.token_hex(500)), 0, n) for n in range(9000)]
    containers = Containers("parquet", "null", limit)
    written = write(frame(spark, rows, 2), batch, directory, THINGS, partitions=1, containers=containers)
    assert len(written) > 2
    for one in written[:-1]:
        assert limit * 3 // 4 < one.bytes <= limit
        assert parquet(directory.get(one.storage["key"])).num_row_groups > 3


def test_only_a_single_record_passes_the_limit(spark: SparkSession, directory: Storage, batch: Batch) -> None:
    texts = ["a", secrets.token_hex(30_000), "c"]
    rows = [placed(record(number, text=text), 0, number) for number, text in enumerate(texts)]
    containers = Containers("parquet", max_bytes=20_000)
    written = write(frame(spark, rows, 1), batch, directory, THINGS, partitions=1, containers=containers)
    assert [(one.count, one.bytes > 20_000) for one in written] == [(1, False), (1, True), (1, False)]
    assert records_in(directory, written) == [[thing(number, text)] for number, text in enumerate(texts)]


def test_a_record_without_a_body_is_refused(spark: SparkSession, directory: Storage, batch: Batch) -> None:
    rows = [placed(Outcome("demand", "2026-03-01", None, None), 0, 1)]
    with pytest.raises(BadOutcomes, match="no body"):
        write(frame(spark, rows, 1), batch, directory, THINGS, partitions=1, containers=PARQUET)


def test_a_codec_that_parquet_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownCodec, match="bzip2"):
        Containers("parquet", "bzip2").check()
