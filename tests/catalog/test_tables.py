"""The database and its tables are made as engines need them, and kept so."""

import json
import time
from typing import Any

import pytest

from jobs.catalog.failures import TableElsewhere, TableOfOtherFormat
from jobs.catalog.glue import GlueCatalog, glue_client
from schemas import RecordSchema
from schemas.columns import hive_columns
from tests.catalog.conftest import ROOT
from tests.catalog.glue_proxy import GlueProxy, refuse

WRITES = ("CreateDatabase", "CreateTable", "UpdateTable", "BatchCreatePartition", "BatchUpdatePartition")


KEPT = ("Name", "TableType", "PartitionKeys", "StorageDescriptor", "Parameters")


def table(database: str, name: str) -> Any:
    return glue_client().get_table(DatabaseName=database, Name=name)["Table"]


def partitions(database: str, name: str) -> dict[str, Any]:
    found = glue_client().get_partitions(DatabaseName=database, TableName=name)["Partitions"]
    return {one["Values"][0]: one for one in found}


def writes(glue: GlueProxy) -> dict[str, int]:
    return {operation: number for operation, number in glue.calls().items() if operation in WRITES}


def grown(schema: RecordSchema, *fields: dict[str, Any]) -> RecordSchema:
    """The schema with further optional attributes."""
    avro = schema.avro
    avro["fields"] += fields
    return RecordSchema(schema.type, json.dumps(avro), schema.attributes)


VENUE = {"name": "venueName", "type": ["null", "string"], "default": None}


def test_a_table_per_record_type_and_one_for_errors(catalog: GlueCatalog, database: str) -> None:
    catalog.ensure_tables()
    names = [one["Name"] for one in glue_client().get_tables(DatabaseName=database)["TableList"]]
    assert sorted(names) == ["demand", "errors", "event", "notification", "sale"]
    assert glue_client().get_database(Name=database)["Database"]["LocationUri"] == f"{ROOT}/"


def test_a_record_table_is_what_engines_read_avro_with(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema]
) -> None:
    catalog.ensure_tables()
    found = table(database, "demand")
    assert found["TableType"] == "EXTERNAL_TABLE"
    assert found["Parameters"]["classification"] == "avro"
    assert found["PartitionKeys"] == [{"Name": "partition_date", "Type": "string"}]
    storage = found["StorageDescriptor"]
    assert storage["Location"] == f"{ROOT}/data/demand/"
    assert storage["InputFormat"] == "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat"
    assert storage["OutputFormat"] == "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat"
    assert storage["SerdeInfo"]["SerializationLibrary"] == "org.apache.hadoop.hive.serde2.avro.AvroSerDe"
    assert storage["SerdeInfo"]["Parameters"]["avro.schema.literal"] == schemas["demand"].avro_text
    columns = [(column["Name"], column["Type"]) for column in storage["Columns"]]
    assert columns == hive_columns(schemas["demand"].avro)
    assert ("phonenumber", "string") in columns
    assert "partition_date" not in dict(columns)


def test_tables_and_partitions_of_a_parquet_archive_are_what_engines_read_parquet_with(
    database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    catalog = GlueCatalog(glue_client(), database, ROOT, schemas, "parquet")
    assert catalog.register({("demand", "2026-03-01")}) == []
    found = table(database, "demand")
    assert found["Parameters"]["classification"] == "parquet"
    for one in (found, partitions(database, "demand")["2026-03-01"]):
        storage, hive = one["StorageDescriptor"], "org.apache.hadoop.hive.ql.io.parquet"
        assert storage["InputFormat"] == f"{hive}.MapredParquetInputFormat"
        assert storage["OutputFormat"] == f"{hive}.MapredParquetOutputFormat"
        assert storage["SerdeInfo"]["SerializationLibrary"] == f"{hive}.serde.ParquetHiveSerDe"
        columns = [(column["Name"], column["Type"]) for column in storage["Columns"]]
        assert columns == hive_columns(schemas["demand"].avro)
    glue.calls()
    catalog.ensure_tables()
    assert writes(glue) == {}
    newer = {**schemas, "demand": grown(schemas["demand"], VENUE)}
    GlueCatalog(glue_client(), database, ROOT, newer, "parquet").ensure_tables()
    assert writes(glue) == {"UpdateTable": 1, "BatchUpdatePartition": 1}
    assert "venuename" in str(partitions(database, "demand"))


@pytest.mark.parametrize(("before", "now"), [("avro", "parquet"), ("parquet", "avro")])
def test_a_table_of_the_other_format_is_not_turned_round(
    before: str, now: str, database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    GlueCatalog(glue_client(), database, ROOT, schemas, before).register({("sale", "2026-03-01")})
    glue.calls()
    other = GlueCatalog(glue_client(), database, ROOT, schemas, now)
    with pytest.raises(
        TableOfOtherFormat, match=f"reads containers in {before}, and archive.format is {now}"
    ):
        other.ensure_tables()
    assert writes(glue) == {}


def test_the_errors_table_reads_one_json_object_a_line(catalog: GlueCatalog, database: str) -> None:
    catalog.ensure_tables()
    found = table(database, "errors")
    assert found["PartitionKeys"] == []
    assert found["StorageDescriptor"]["Location"] == f"{ROOT}/errors/"
    assert (
        found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]
        == "org.openx.data.jsonserde.JsonSerDe"
    )
    assert found["StorageDescriptor"]["Columns"] == [
        {"Name": "timestamp", "Type": "string"},
        {"Name": "error", "Type": "struct<message:string>"},
        {"Name": "events", "Type": "array<string>"},
    ]


def test_a_partition_carries_the_schema_too(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema]
) -> None:
    assert catalog.register({("sale", "2026-03-01")}) == []
    found = partitions(database, "sale")["2026-03-01"]["StorageDescriptor"]
    of_table = table(database, "sale")["StorageDescriptor"]
    assert found["Location"] == f"{ROOT}/data/sale/partition_date=2026-03-01/"
    assert found["SerdeInfo"]["Parameters"]["avro.schema.literal"] == schemas["sale"].avro_text
    for same in ("Columns", "InputFormat", "OutputFormat", "SerdeInfo"):
        assert found[same] == of_table[same]


def test_a_second_time_nothing_is_written(catalog: GlueCatalog, glue: GlueProxy) -> None:
    catalog.register({("sale", "2026-03-01")})
    assert writes(glue) == {"CreateDatabase": 1, "CreateTable": 5, "BatchCreatePartition": 1}
    catalog.ensure_tables()
    assert writes(glue) == {}


def test_a_new_attribute_reaches_the_table_and_every_registered_partition(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    dates = {f"2026-{month:02d}-{day:02d}" for month in range(1, 10) for day in range(1, 28)}
    catalog.register({("event", date) for date in dates} | {("sale", "2026-03-01")})
    glue.calls()
    newer = {**schemas, "event": grown(schemas["event"], VENUE)}
    GlueCatalog(glue_client(), database, ROOT, newer).ensure_tables()
    assert writes(glue) == {"UpdateTable": 1, "BatchUpdatePartition": 3}
    described = [table(database, "event"), *partitions(database, "event").values()]
    assert len(described) == len(dates) + 1
    for one in described:
        storage = one["StorageDescriptor"]
        assert {"Name": "venuename", "Type": "string"} in storage["Columns"]
        assert storage["SerdeInfo"]["Parameters"]["avro.schema.literal"] == newer["event"].avro_text
    locations = {one["StorageDescriptor"]["Location"] for one in described[1:]}
    assert locations == {f"{ROOT}/data/event/partition_date={date}/" for date in dates}
    assert "venuename" not in str(partitions(database, "sale"))


def test_only_partitions_that_lack_the_attribute_are_written(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    catalog.register({("event", "2026-03-01")})
    newer = {**schemas, "event": grown(schemas["event"], VENUE)}
    later = GlueCatalog(glue_client(), database, ROOT, newer)
    later.register({("event", "2026-03-02")})
    older = glue_client().get_partition(
        DatabaseName=database, TableName="event", PartitionValues=["2026-03-02"]
    )
    stale: Any = {key: older["Partition"][key] for key in ("Values", "StorageDescriptor")}
    stale["StorageDescriptor"]["SerdeInfo"]["Parameters"]["avro.schema.literal"] = "{}"
    glue_client().update_partition(
        DatabaseName=database, TableName="event", PartitionValueList=["2026-03-02"], PartitionInput=stale
    )
    glue.asked.clear()
    later.ensure_tables()
    (request,) = [request for operation, request in glue.asked if operation == "BatchUpdatePartition"]
    assert [entry["PartitionValueList"] for entry in request["Entries"]] == [["2026-03-02"]]


def test_what_others_set_on_a_table_stays(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    catalog.ensure_tables()
    found = table(database, "event")
    theirs: Any = {key: found[key] for key in KEPT}
    theirs["Parameters"]["owner"] = "a team"
    theirs["StorageDescriptor"]["Columns"][0]["Comment"] = "a comment"
    glue_client().update_table(DatabaseName=database, TableInput=theirs)
    glue.calls()
    catalog.ensure_tables()
    assert writes(glue) == {"UpdateTable": 1}
    assert table(database, "event")["Parameters"]["owner"] == "a team"
    catalog.ensure_tables()
    assert writes(glue) == {}


def test_a_table_of_another_archive_is_not_turned_round(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    catalog.ensure_tables()
    glue.calls()
    other = GlueCatalog(glue_client(), database, "s3://another-bucket", schemas)
    with pytest.raises(
        TableElsewhere, match=r"a-bucket/some/prefix/errors/, not s3://another-bucket/errors/"
    ):
        other.ensure_tables()
    assert other.register({("sale", "2026-03-01")}) == [("sale", "2026-03-01")]
    assert writes(glue) == {}
    assert table(database, "sale")["StorageDescriptor"]["Location"] == f"{ROOT}/data/sale/"


OPERATIONS = ["GetDatabase", "GetTable", "GetPartitions", "CreateDatabase", "CreateTable", "UpdateTable", "BatchUpdatePartition"]  # fmt: skip


@pytest.mark.parametrize("code", ["ConcurrentModificationException", "OperationTimeoutException"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_call_that_comes_at_a_bad_moment_is_made_again(
    operation: str, code: str, catalog: GlueCatalog, schemas: dict[str, RecordSchema], database: str, glue: GlueProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    if operation in ("UpdateTable", "BatchUpdatePartition"):
        catalog.register({("event", "2026-03-01")})
    refusals = [refuse(code)] * 3
    glue.answer = lambda asked, _: refusals.pop() if asked == operation and refusals else None
    newer = {**schemas, "event": grown(schemas["event"], VENUE)}
    GlueCatalog(glue_client(), database, ROOT, newer).bring_up_to_date()
    assert refusals == []
    assert "venuename" in str(table(database, "event"))


def test_what_somebody_else_changed_meanwhile_stays(
    catalog: GlueCatalog, schemas: dict[str, RecordSchema], database: str, glue: GlueProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    catalog.ensure_tables()
    theirs: Any = {key: table(database, "event")[key] for key in KEPT}
    theirs["Parameters"]["owner"] = "a team"
    beaten: list[str] = []

    def in_between(operation: str, _: dict[str, Any]) -> Any:
        if operation != "UpdateTable" or beaten:
            return None
        beaten.append(operation)
        glue_client().update_table(DatabaseName=database, TableInput=theirs)
        return refuse("ConcurrentModificationException")

    glue.answer = in_between
    newer = {**schemas, "event": grown(schemas["event"], VENUE)}
    GlueCatalog(glue_client(), database, ROOT, newer).bring_up_to_date()
    found = table(database, "event")
    assert found["Parameters"]["owner"] == "a team"
    assert "venuename" in str(found)


@pytest.mark.parametrize("made", ["CreateDatabase", "CreateTable"])
def test_two_jobs_may_start_at_once(made: str, catalog: GlueCatalog, database: str, glue: GlueProxy) -> None:
    other = GlueCatalog(glue_client(), database, ROOT, catalog._schemas)

    def in_between(operation: str, request: dict[str, Any]) -> None:
        """The other job is faster where this one is about to make something."""
        if operation == made and not beaten:
            beaten.append(operation)
            other.bring_up_to_date()

    beaten: list[str] = []
    glue.answer = in_between
    catalog.bring_up_to_date()
    assert beaten == [made]
    assert len(glue_client().get_tables(DatabaseName=database)["TableList"]) == 5
