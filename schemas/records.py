"""The record schemas, read from the ``.avsc`` files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from schemas.attributes import Attribute, SchemaError, attribute, merge_all

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

    Raises SchemaError where a file is missing or not usable.
    """
    root = files("schemas") if directory is None else directory
    return {record_type: _record_schema(record_type, root) for record_type in RECORD_TYPES}


def _record_schema(record_type: str, root: Any) -> RecordSchema:
    path = root.joinpath(f"{record_type}.avsc")
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SchemaError(f"{path.name}: can't be read as JSON: {error}") from error
    attributes = tuple(attribute(field, record_type) for field in parsed["fields"])
    return RecordSchema(record_type, json.dumps(parsed, separators=(",", ":")), attributes)


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
    return merge_all((each for schema in record_schemas.values() for each in schema.image_attributes), "schemas")
