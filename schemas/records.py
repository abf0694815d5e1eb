"""The record schemas, read from the ``.avsc`` files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from schemas.attributes import Attribute, SchemaError, attribute, merge_all
from schemas.columns import hive_columns
from schemas.needs import check

RECORD_TYPES = ("demand", "notification", "event", "sale")


@dataclass(frozen=True)
class RecordSchema:
    """The schema of one record type: ``avro_text`` is the compact JSON put into containers and the catalog."""

    type: str
    avro_text: str
    attributes: tuple[Attribute, ...]

    @property
    def avro(self) -> dict[str, Any]:
        """The parsed Avro schema."""
        parsed: dict[str, Any] = json.loads(self.avro_text)
        return parsed

    @property
    def image_attributes(self) -> tuple[Attribute, ...]:
        """The attributes that come from the image, in schema order; the others are the pipeline's to make."""
        return tuple(each for each in self.attributes if each.origin == "image")


def load(directory: Path | None = None) -> dict[str, RecordSchema]:
    """The four record schemas by type, from the packaged ``.avsc`` files or those in ``directory``.

    Raises SchemaError where a file is missing, or the steps can't work with what it says.
    """
    root = files("schemas") if directory is None else directory
    loaded = {record_type: _record_schema(record_type, root) for record_type in RECORD_TYPES}
    for schema in loaded.values():
        hive_columns(schema.avro)
        check(schema.type, schema.attributes)
    merged_attributes(loaded)
    return loaded


def _record_schema(record_type: str, root: Any) -> RecordSchema:
    path = root.joinpath(f"{record_type}.avsc")
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SchemaError(f"{path.name}: can't be read as JSON: {error}") from error
    if not (
        isinstance(parsed, dict) and parsed.get("type") == "record" and isinstance(parsed.get("name"), str)
    ):
        raise SchemaError(f"{path.name}: must hold one Avro record with a name and fields")
    if not isinstance(parsed.get("fields"), list):
        raise SchemaError(f"{path.name}: must hold one Avro record with a name and fields")
    attributes = tuple(attribute(field, record_type) for field in parsed["fields"])
    _complete(parsed, record_type)
    return RecordSchema(record_type, json.dumps(parsed, separators=(",", ":")), attributes)


def _complete(avro_schema: dict[str, Any], where: str) -> None:
    """Give optional fields their default, without which older containers can't be read; refuse a name used twice."""
    names: set[str] = set()
    for record in _records_in(avro_schema):
        if record["name"] in names:
            raise SchemaError(f"{where}: two records are called {record['name']}; Avro wants every name once")
        names.add(record["name"])
        for field in record["fields"]:
            if isinstance(field["type"], list) and "null" in field["type"]:
                field.setdefault("default", None)


def _records_in(avro_type: Any) -> Iterator[dict[str, Any]]:
    """Every record defined in an Avro type."""
    for declared in avro_type if isinstance(avro_type, list) else [avro_type]:
        if isinstance(declared, dict):
            if declared["type"] == "record":
                yield declared
            fields = (field["type"] for field in declared.get("fields", ()))
            for each in (*fields, declared["type"], declared.get("items"), declared.get("values")):
                yield from _records_in(each)


@cache
def _packaged() -> dict[str, RecordSchema]:
    return load()


def avro(record_type: str) -> dict[str, Any]:
    """The parsed Avro schema of a record type."""
    return _packaged()[record_type].avro


def avro_text(record_type: str) -> str:
    """The Avro schema of a record type as compact JSON."""
    return _packaged()[record_type].avro_text


def merged_attributes(record_schemas: Mapping[str, RecordSchema]) -> tuple[Attribute, ...]:
    """The image attributes of all record types, merged by name: what the parser has to look for."""
    return merge_all(
        (each for schema in record_schemas.values() for each in schema.image_attributes), "schemas"
    )
