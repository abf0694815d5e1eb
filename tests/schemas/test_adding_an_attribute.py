"""Adding an optional attribute to an .avsc file is the whole change for it to be archived and catalogued."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from pyspark.sql import SparkSession

import schemas
from jobs.catalog.definitions import partition, record_table
from jobs.sinks.storage import Storage
from schemas.columns import hive_columns
from tests.rules.archives import BATCH, archive, contents, delivery_record, records
from tests.rules.change_events import As, Outcomes, archived, demand, event, insert, remove, sale
from tests.schemas.copies import Field, decimal, edited, optional, record_type

N38 = "1234567890123456789012345678.9012345678"
SEAT = record_type("Seat", {"name": "row", "type": "string"}, optional("number", "long"))
# The field, what the image holds, what the record then holds, and the column's type.
ADDED: dict[str, tuple[Field, Any, Any, str]] = {
    "aString": (optional("aString", "string"), {"S": "früh \U0001f3ab"}, "früh \U0001f3ab", "string"),
    "aLong": (optional("aLong", "long"), {"N": "9007199254740993"}, 9007199254740993, "bigint"),
    "anInt": (optional("anInt", "int"), {"N": "-7"}, -7, "int"),
    "aDecimal": (optional("aDecimal", decimal(38, 10)), {"N": N38}, Decimal(N38), "decimal(38,10)"),
    "aDouble": (optional("aDouble", "double"), {"N": "1.5E-7"}, 1.5e-7, "double"),
    "aFloat": (optional("aFloat", "float"), {"N": "0.5"}, 0.5, "float"),
    "aBoolean": (optional("aBoolean", "boolean"), {"BOOL": False}, False, "boolean"),
    "someBytes": (optional("someBytes", "bytes"), {"B": "3q2+7w=="}, b"\xde\xad\xbe\xef", "binary"),
    "anArray": (
        optional("anArray", {"type": "array", "items": "string"}),
        {"SS": ["vip", "früh"]},
        ["vip", "früh"],
        "array<string>",
    ),
    "aList": (
        optional("aList", {"type": "array", "items": SEAT}),
        {"L": [{"M": {"row": {"S": "A"}}}, {"M": {"row": {"S": "B"}, "number": {"N": "2"}}}]},
        [{"row": "A", "number": None}, {"row": "B", "number": 2}],
        "array<struct<row:string,number:bigint>>",
    ),
    "aMap": (
        optional("aMap", {"type": "map", "values": "long"}),
        {"M": {"a": {"N": "1"}, "b": {"N": "2"}}},
        {"a": 1, "b": 2},
        "map<string,bigint>",
    ),
    "aRecord": (
        optional("aRecord", record_type("Place", optional("city", "string"), optional("geo", record_type("Geo", optional("lat", "double"))))),
        {"M": {"city": {"S": "Berlin"}, "geo": {"M": {"lat": {"N": "52.5"}}}}},
        {"city": "Berlin", "geo": {"lat": 52.5}},
        "struct<city:string,geo:struct<lat:double>>",
    ),
    "withoutDefault": ({"name": "withoutDefault", "type": ["null", "string"]}, {"S": "x"}, "x", "string"),
    "nickName": (optional("nickName", "string", pii=True), {"S": "Nobody"}, "Nobody", "string"),
}  # fmt: skip
IMAGE = demand(**{name: As(value) for name, (_, value, _, _) in ADDED.items()})
PAYLOADS = [insert(IMAGE), insert(demand()), remove(IMAGE), insert(sale(**{name: As(5) for name in ADDED}))]


def _edit_demand(schema: dict[str, Any]) -> None:
    schema["fields"].extend(field for field, _, _, _ in ADDED.values())
    date = next(field for field in schema["fields"] if field["name"] == "date")["type"]
    date["fields"] += [optional("confirmed", "string"), optional("attempts", "long")]


def _edit_event(schema: dict[str, Any]) -> None:
    """Two members inside the records that are there."""
    start = next(field for field in schema["fields"] if field["name"] == "eventDate")["type"][1]["fields"][0][
        "type"
    ][1]
    date = next(field for field in schema["fields"] if field["name"] == "date")["type"][1]
    start["fields"].append(optional("zone", "string"))
    date["fields"].append(optional("announced", "string", requiredInImage=True))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .avsc files with what is added, and nothing else changed anywhere."""
    return edited(tmp_path_factory.mktemp("schemas"), {"demand": _edit_demand, "event": _edit_event})


@pytest.fixture(scope="module")
def archive_of_it(spark: SparkSession, directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    return archive(
        spark, tmp_path_factory.mktemp("archive"), PAYLOADS, record_schemas=schemas.load(directory)
    )


@pytest.fixture(scope="module")
def container(archive_of_it: Storage) -> bytes:
    (body,) = contents(archive_of_it, "data/demand/").values()
    return body


@pytest.fixture(scope="module")
def demands(container: bytes) -> list[Any]:
    """The archived demands: with everything, with nothing, deleted."""
    return sorted(records(container), key=lambda each: str(each["change"]["sequenceNumber"]))


@pytest.mark.parametrize("name", ADDED)
def test_it_is_archived(name: str, demands: list[Any]) -> None:
    assert demands[0][name] == ADDED[name][2]


@pytest.mark.parametrize("name", ADDED)
def test_an_image_without_it_is_archived_with_null(name: str, demands: list[Any]) -> None:
    assert demands[1][name] is None


def test_personal_data_that_is_added_is_redacted_once_deleted(demands: list[Any]) -> None:
    assert demands[2]["nickName"] == "[redacted]"
    assert demands[2]["aString"] == "früh \U0001f3ab"
    assert demands[0]["nickName"] == "Nobody"


def test_no_event_is_lost_and_another_type_ignores_it(archive_of_it: Storage) -> None:
    assert delivery_record(archive_of_it)["counts"] == {"read": 4, "archived": 4, "failed": 0}
    assert len(contents(archive_of_it, "data/sale/")) == 1


def test_the_container_carries_the_schema(container: bytes, directory: Path) -> None:
    schema: Any = fastavro.reader(io.BytesIO(container)).writer_schema
    names = [field["name"] for field in schema["fields"]]
    assert names == [field["name"] for field in json.loads((directory / "demand.avsc").read_text())["fields"]]
    assert names[-len(ADDED) :] == list(ADDED)


@pytest.mark.parametrize("name", ADDED)
def test_it_is_a_column_of_the_table_and_of_every_partition(name: str, directory: Path) -> None:
    schema = schemas.load(directory)["demand"]
    column = {"Name": name.lower(), "Type": ADDED[name][3]}
    assert (name.lower(), ADDED[name][3]) in hive_columns(schema.avro)
    for described in (
        record_table("s3://bucket/p", schema),
        partition("s3://bucket/p", schema, "2026-03-01"),
    ):
        assert column in described["StorageDescriptor"]["Columns"]
        literal = described["StorageDescriptor"]["SerdeInfo"]["Parameters"]["avro.schema.literal"]
        assert name in [field["name"] for field in json.loads(literal)["fields"]]


def test_containers_from_before_are_read_with_the_new_schema(
    spark: SparkSession, directory: Path, tmp_path: Path
) -> None:
    before = archive(spark, tmp_path, [insert(demand(artistName="Nobody"))])
    (body,) = contents(before, "data/demand/").values()
    new: Any = fastavro.parse_schema(schemas.load(directory)["demand"].avro)
    (record,) = fastavro.reader(io.BytesIO(body), reader_schema=new)
    assert isinstance(record, dict)
    assert record["artistName"] == "Nobody"
    assert {record[name] for name in ADDED} == {None}


def test_sparks_own_reader_sees_it(spark: SparkSession, archive_of_it: Storage) -> None:
    frame = spark.read.format("avro").load(f"{archive_of_it.uri}/data/demand")
    row = (
        frame.where("aLong is not null and isDeleted is null")
        .select("aLong", "aDecimal", "aRecord.geo.lat", "aList")
        .first()
    )
    assert row is not None
    assert (row.aLong, row.aDecimal, row.lat) == (9007199254740993, Decimal(N38), 52.5)
    assert [each.row for each in row.aList] == ["A", "B"]


NESTED = {
    "zone": insert(event(eventDate={"start": {"dateTime": "2026-06-01", "zone": "Europe/Berlin"}})),
    "announced": insert(event(date={"updated": "2026-03-01", "announced": "2026-02-01"})),
    "not announced": insert(event(date={"updated": "2026-03-01"})),
    "removed": remove(event()),
    "confirmed": insert(demand(date={"requested": "2026-03-01", "confirmed": "2026-03-04", "attempts": 2})),
    "zone wrong": insert(event(eventDate={"start": {"zone": 1}})),
}


@pytest.fixture(scope="module")
def nested(spark: SparkSession, directory: Path) -> Outcomes:
    return archived(spark, NESTED, schemas.load(directory), batch_time=BATCH.timestamp)


def test_a_member_of_a_record_is_archived_too(nested: Outcomes) -> None:
    assert nested["zone"].record["eventDate"]["start"] == {
        "dateTime": "2026-06-01",
        "localDate": None,
        "zone": "Europe/Berlin",
    }
    due = "event: eventDate.start.zone is not a DynamoDB S that fits Avro string (BR-003)"
    assert nested["zone wrong"].message == due


def test_a_date_that_is_added_to_a_demand_s_competes_for_the_reference_s_timestamp(nested: Outcomes) -> None:
    assert nested["confirmed"].record["date"]["confirmed"] == "2026-03-04"
    assert nested["confirmed"].record["date"]["attempts"] == 2
    assert nested["confirmed"].record["reference"]["timestamp"] == "2026-03-04"


def test_a_member_that_an_image_with_its_record_must_have(nested: Outcomes) -> None:
    assert nested["announced"].record["date"]["announced"] == "2026-02-01"
    assert nested["not announced"].message == "event: date.announced is missing (BR-003)"
    assert nested["removed"].record["date"]["announced"] is None
