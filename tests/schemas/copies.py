"""Copies of the packaged schemas, changed as a person would change an .avsc file."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import schemas
from schemas import RecordSchema

Field = dict[str, Any]
PACKAGED = Path(schemas.__file__).parent


def optional(name: str, avro_type: Any, **properties: Any) -> Field:
    """An optional field, as it is written into an .avsc file."""
    return {"name": name, "type": ["null", avro_type], "default": None, **properties}


def record_type(name: str, *fields: Field) -> Field:
    """An Avro record type."""
    return {"type": "record", "name": name, "fields": list(fields)}


def decimal(precision: int, scale: int) -> Field:
    """Avro bytes with the logical type decimal."""
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def edited(directory: Path, edits: Mapping[str, Callable[[dict[str, Any]], object]]) -> Path:
    """The four .avsc files in `directory`, those of `edits` changed in place by theirs."""
    for name in schemas.RECORD_TYPES:
        schema = json.loads((PACKAGED / f"{name}.avsc").read_text(encoding="utf-8"))
        edits.get(name, len)(schema)
        (directory / f"{name}.avsc").write_text(json.dumps(schema, indent=2), encoding="utf-8")
    return directory


def with_fields(directory: Path, name: str, fields: Sequence[Field]) -> dict[str, RecordSchema]:
    """The packaged schemas with fields added to the record type `name`, loaded from the copy in `directory`."""
    return schemas.load(edited(directory, {name: lambda schema: schema["fields"].extend(fields)}))
