"""An Avro field seen as a DynamoDB attribute."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# Avro type -> the DynamoDB tags it is read from (docs/schemas.md has the table for people).
_SCALAR_TAGS = {
    "string": ("S",),
    "int": ("N",),
    "long": ("N",),
    "float": ("N",),
    "double": ("N",),
    "decimal": ("N",),
    "boolean": ("BOOL",),
    "bytes": ("B",),
}
_SET_TAGS = {"S": "SS", "N": "NS", "B": "BS"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INNER = {"array": "items", "map": "values"}
MAX_PRECISION = 38


class SchemaError(ValueError):
    """An ``.avsc`` file that the pipeline can't derive its work from; the message names file, field and remedy."""


@dataclass(frozen=True)
class Attribute:
    """One attribute of a record: an Avro field and the DynamoDB value it is made from.

    ``kind`` is the Avro type name, or ``decimal`` for bytes with that logical type. ``nullable`` is whether Avro allows
    null, ``required`` whether an image must have it: the same turned round, but for ``requiredInImage``. ``children`` are
    a record's fields; ``items`` is what an array or a map holds.
    """

    name: str
    kind: str
    required: bool
    nullable: bool = False
    pii: bool = False
    origin: str = "image"
    children: tuple["Attribute", ...] = ()
    items: "Attribute | None" = None
    precision: int = 0
    scale: int = 0

    @property
    def tags(self) -> tuple[str, ...]:
        """The DynamoDB tags this attribute may carry, the preferred one first."""
        if self.kind in ("record", "map"):
            return ("M",)
        if self.kind == "array":
            assert self.items is not None
            sets = (_SET_TAGS[tag] for tag in self.items.tags if tag in _SET_TAGS)
            return ("L", *sets)
        return _SCALAR_TAGS[self.kind]

    def child(self, name: str) -> "Attribute | None":
        """The field ``name`` of a record, or None."""
        return next((child for child in self.children if child.name == name), None)


def attribute(field: Mapping[str, Any], where: str) -> Attribute:
    """The attribute an Avro field describes.

    Raises SchemaError for Avro types that have no DynamoDB counterpart, and for what is no Avro, naming ``where`` and
    the field.
    """
    if not (isinstance(field, Mapping) and isinstance(field.get("name"), str) and "type" in field):
        raise SchemaError(f"{where}: every field needs a name and a type")
    path = f"{where}.{field['name']}"
    if not _NAME.fullmatch(field["name"]):
        raise SchemaError(f"{path}: a name is letters, digits and underscores, and begins with no digit")
    avro_type, nullable = _without_null(field["type"], path)
    if nullable and field.get("default") is not None:
        raise SchemaError(f"{path}: the default of an optional field is null")
    return _typed(
        avro_type,
        path,
        name=field["name"],
        required=not nullable or _flag(field, "requiredInImage", path),
        nullable=nullable,
        pii=_flag(field, "pii", path),
        origin=field.get("origin", "image"),
    )


def _flag(field: Mapping[str, Any], name: str, path: str) -> bool:
    value = field.get(name, False)
    if not isinstance(value, bool):
        raise SchemaError(f"{path}: {name} is true or false")
    return value


def _typed(avro_type: Any, path: str, **known: Any) -> Attribute:
    declared = avro_type if isinstance(avro_type, dict) else {"type": avro_type}
    kind = declared.get("type")
    if isinstance(kind, dict):
        return _typed(kind, path, **known)
    if not isinstance(kind, str):
        raise SchemaError(f"{path}: {kind!r} is no Avro type")
    if kind == "record":
        return Attribute(kind=kind, children=_children(declared, path), **known)
    if kind in _INNER:
        return Attribute(kind=kind, items=_items(declared, path), **known)
    if declared.get("logicalType") == "decimal" and kind == "bytes":
        precision, scale = _digits(declared, path)
        return Attribute(kind="decimal", precision=precision, scale=scale, **known)
    if kind not in _SCALAR_TAGS or "logicalType" in declared:
        raise SchemaError(
            f"{path}: Avro type {declared.get('logicalType', kind)!r} has no DynamoDB counterpart; "
            f"use one of {', '.join(_SCALAR_TAGS)}, record, array or map (a record is written out wherever it is used)"
        )
    return Attribute(kind=kind, **known)


def _children(declared: Mapping[str, Any], path: str) -> tuple[Attribute, ...]:
    fields = declared.get("fields")
    if not (isinstance(declared.get("name"), str) and isinstance(fields, list) and fields):
        raise SchemaError(f"{path}: a record needs a name and fields")
    return tuple(attribute(child, path) for child in fields)


def _items(declared: Mapping[str, Any], path: str) -> Attribute:
    inner = _INNER[declared["type"]]
    if inner not in declared:
        raise SchemaError(f"{path}: a type {declared['type']!r} needs {inner}")
    item_type, nullable = _without_null(declared[inner], path)
    return _typed(item_type, f"{path}[]", name="item", required=not nullable, nullable=nullable)


def _digits(declared: Mapping[str, Any], path: str) -> tuple[int, int]:
    precision, scale = declared.get("precision"), declared.get("scale", 0)
    if not (isinstance(precision, int) and 1 <= precision <= MAX_PRECISION):
        raise SchemaError(
            f"{path}: the precision of a decimal is 1 to {MAX_PRECISION} digits, as in DynamoDB"
        )
    if not (isinstance(scale, int) and 0 <= scale <= precision):
        raise SchemaError(f"{path}: the scale of a decimal is 0 to its precision")
    return precision, scale


def _without_null(avro_type: Any, path: str) -> tuple[Any, bool]:
    """The type without its null branch, and whether it had one."""
    if not isinstance(avro_type, list):
        return avro_type, False
    branches = [branch for branch in avro_type if branch != "null"]
    if len(branches) != 1:
        raise SchemaError(f"{path}: a union may hold null and one other type, nothing else")
    if len(avro_type) > 1 and avro_type[0] != "null":
        raise SchemaError(f"{path}: write null first in the union: the default is of its first type")
    return branches[0], len(branches) < len(avro_type)


def merge(left: Attribute, right: Attribute, where: str) -> Attribute:
    """One attribute that can hold what either holds; a record's fields are merged by name.

    Raises SchemaError where two record types give one attribute two different kinds, or one calls it personal data.
    """
    same = ("kind", "items", "precision", "scale")
    if any(getattr(left, part) != getattr(right, part) for part in same):
        raise SchemaError(
            f"{where}: one attribute name has different Avro types in two record types; rename one of them"
        )
    if left.pii != right.pii:
        raise SchemaError(f"{where}: pii in one record type and not in another; say the same in both")
    children = merge_all((*left.children, *right.children), where)
    return replace(left, required=False, nullable=True, children=children)


def merge_all(attributes: Iterable[Attribute], where: str) -> tuple[Attribute, ...]:
    """The attributes merged by name, in order of first appearance.

    Raises SchemaError where two names differ by case alone, which Spark and catalogs don't tell apart.
    """
    merged: dict[str, Attribute] = {}
    for each in attributes:
        seen = merged.get(each.name.lower())
        if seen and seen.name != each.name:
            raise SchemaError(
                f"{where}: {seen.name} and {each.name} differ by case alone; rename one of them"
            )
        merged[each.name.lower()] = merge(seen, each, f"{where}.{each.name}") if seen else each
    return tuple(merged.values())
