"""What tables and partitions look like in Glue, so that engines of the Hive family read every column.

The Avro SerDe sees camelCase and nested columns only where it is given the schema, and engines look for it in
the SerDe parameters of the table as well as of each partition. Parquet's goes by the columns, whatever their case; its
tables keep the schema too, under a name of our own, to tell whether the columns are today's.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jobs.sinks.names import partition_prefix
from schemas import RecordSchema
from schemas.columns import hive_columns

PARTITION_KEY = "partition_date"
ERRORS = "errors"
_HIVE = "org.apache.hadoop.hive"
_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_ERROR_COLUMNS = [("timestamp", "string"), ("error", "struct<message:string>"), ("events", "array<string>")]


class _Format(NamedTuple):
    """What Glue says of containers of a format; ``literal`` is the SerDe parameter that holds the schema."""

    serde: str
    input: str
    output: str
    literal: str


_FORMATS = {
    "avro": _Format(
        f"{_HIVE}.serde2.avro.AvroSerDe",
        f"{_HIVE}.ql.io.avro.AvroContainerInputFormat",
        f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat",
        "avro.schema.literal",
    ),
    "parquet": _Format(
        f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
        f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
        "dmd.schema.literal",
    ),
}


def record_table(root: str, schema: RecordSchema, format: str = "avro") -> dict[str, Any]:
    """The ``TableInput`` of a record type, partitioned by ``partition_date`` (a string: one bad value breaks a date).

    ``format`` is that of the archive's containers.
    """
    return {
        "Name": schema.type,
        "Description": str(schema.avro.get("doc", "")),
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": PARTITION_KEY, "Type": "string"}],
        "Parameters": {"EXTERNAL": "TRUE", "classification": format},
        "StorageDescriptor": _descriptor(f"{root}/data/{schema.type}/", schema, format),
    }


def partition(root: str, schema: RecordSchema, date: str, format: str = "avro") -> dict[str, Any]:
    """The ``PartitionInput`` of a record type's partition date."""
    location = f"{root}/{partition_prefix(schema.type, date)}"
    return {"Values": [date], "StorageDescriptor": _descriptor(location, schema, format), "Parameters": {}}


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
    parameters = _serde(described).get("Parameters", {})
    return next((parameters[one.literal] for one in _FORMATS.values() if one.literal in parameters), None)


def format_of(described: Mapping[str, Any]) -> str | None:
    """The format of the containers that a table or partition describes; None for a table that is none of these."""
    library = _serde(described).get("SerializationLibrary")
    return next((name for name, one in _FORMATS.items() if one.serde == library), None)


def _serde(described: Mapping[str, Any]) -> Mapping[str, Any]:
    serde: Mapping[str, Any] = described.get("StorageDescriptor", {}).get("SerdeInfo", {})
    return serde


def holds(existing: Any, wanted: Any) -> bool:
    """Whether everything wanted is in what Glue has, which may say more (statistics, comments)."""
    if isinstance(wanted, dict):
        return isinstance(existing, dict) and all(holds(existing.get(key), wanted[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(existing, list):
        return len(existing) == len(wanted) and all(map(holds, existing, wanted))
    return bool(existing == wanted)


def _descriptor(location: str, schema: RecordSchema, format: str) -> dict[str, Any]:
    described = _FORMATS[format]
    return {
        "Columns": _columns(hive_columns(schema.avro)),
        "Location": location,
        "InputFormat": described.input,
        "OutputFormat": described.output,
        "SerdeInfo": {
            "SerializationLibrary": described.serde,
            "Parameters": {described.literal: schema.avro_text, "serialization.format": "1"},
        },
    }


def _columns(columns: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in columns]
