"""What tables and partitions look like in Glue, so that engines of the Hive family read every column.

The Avro SerDe sees camelCase and nested columns only where it is given the schema, and engines look for it in
the SerDe parameters of the table as well as of each partition.
"""

from collections.abc import Mapping
from typing import Any

from jobs.sinks.names import partition_prefix
from schemas import RecordSchema
from schemas.columns import hive_columns

LITERAL = "avro.schema.literal"
PARTITION_KEY = "partition_date"
ERRORS = "errors"
_AVRO_FORMATS = "org.apache.hadoop.hive.ql.io.avro.AvroContainer"
_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_ERROR_COLUMNS = [("timestamp", "string"), ("error", "struct<message:string>"), ("events", "array<string>")]


def record_table(root: str, schema: RecordSchema) -> dict[str, Any]:
    """The ``TableInput`` of a record type, partitioned by ``partition_date`` (a string: one bad value breaks a date)."""
    return {
        "Name": schema.type,
        "Description": str(schema.avro.get("doc", "")),
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": PARTITION_KEY, "Type": "string"}],
        "Parameters": {"EXTERNAL": "TRUE", "classification": "avro"},
        "StorageDescriptor": _avro_descriptor(f"{root}/data/{schema.type}/", schema),
    }


def partition(root: str, schema: RecordSchema, date: str) -> dict[str, Any]:
    """The ``PartitionInput`` of a record type's partition date."""
    location = f"{root}/{partition_prefix(schema.type, date)}"
    return {"Values": [date], "StorageDescriptor": _avro_descriptor(location, schema), "Parameters": {}}


def errors_table(root: str) -> dict[str, Any]:
    """The ``TableInput`` of the archive errors: one JSON object a line, not partitioned."""
    return {
        "Name": ERRORS,
        "Description": "Change events that could not be archived, by message and batch.",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": {"EXTERNAL": "TRUE", "classification": "json"},
        "StorageDescriptor": {
            "Columns": _columns(_ERROR_COLUMNS),
            "Location": f"{root}/errors/",
            "InputFormat": _TEXT_INPUT,
            "OutputFormat": _TEXT_OUTPUT,
            "SerdeInfo": {
                "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
                "Parameters": {"serialization.format": "1"},
            },
        },
    }


def literal(described: Mapping[str, Any]) -> str | None:
    """The schema that a table or partition carries, or None."""
    serde = described.get("StorageDescriptor", {}).get("SerdeInfo", {})
    text: str | None = serde.get("Parameters", {}).get(LITERAL)
    return text


def holds(existing: Any, wanted: Any) -> bool:
    """Whether everything wanted is in what Glue has, which may say more (statistics, comments)."""
    if isinstance(wanted, dict):
        return isinstance(existing, dict) and all(holds(existing.get(key), wanted[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(existing, list):
        return len(existing) == len(wanted) and all(map(holds, existing, wanted))
    return bool(existing == wanted)


def _avro_descriptor(location: str, schema: RecordSchema) -> dict[str, Any]:
    return {
        "Columns": _columns(hive_columns(schema.avro)),
        "Location": location,
        "InputFormat": f"{_AVRO_FORMATS}InputFormat",
        "OutputFormat": f"{_AVRO_FORMATS}OutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
            "Parameters": {LITERAL: schema.avro_text, "serialization.format": "1"},
        },
    }


def _columns(columns: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in columns]
