"""An Avro field seen as a DynamoDB attribute."""

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


class SchemaError(ValueError):
    """An ``.avsc`` file that the pipeline can't derive its work from; the message names file, field and remedy."""


@dataclass(frozen=True)
class Attribute:
    """One attribute of a record: an Avro field and the DynamoDB value it is made from.

    ``kind`` is the Avro type name, or ``decimal`` for bytes with that logical type. ``children`` are a record's
    fields; ``items`` is what an array or a map holds.
    """

    name: str
    kind: str
    required: bool
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

    Raises SchemaError for Avro types that have no DynamoDB counterpart, naming ``where`` and the field.
    """
    path = f"{where}.{field['name']}"
    avro_type, nullable = _without_null(field["type"], path)
    return _typed(
        avro_type,
        path,
        name=field["name"],
        required=not nullable or bool(field.get("requiredInImage")),
        pii=bool(field.get("pii")),
        origin=field.get("origin", "image"),
    )


def _typed(avro_type: Any, path: str, **known: Any) -> Attribute:
    declared = avro_type if isinstance(avro_type, dict) else {"type": avro_type}
    kind = declared["type"]
    if kind == "record":
        children = tuple(attribute(child, path) for child in declared["fields"])
        return Attribute(kind=kind, children=children, **known)
    if kind in ("array", "map"):
        item_type, _ = _without_null(declared["items" if kind == "array" else "values"], path)
        return Attribute(kind=kind, items=_typed(item_type, f"{path}[]", name="item", required=True), **known)
    if declared.get("logicalType") == "decimal" and kind == "bytes":
        return Attribute(kind="decimal", precision=declared["precision"], scale=declared.get("scale", 0), **known)
    if kind not in _SCALAR_TAGS or "logicalType" in declared:
        raise SchemaError(
            f"{path}: Avro type {declared.get('logicalType', kind)!r} has no DynamoDB counterpart; "
            f"use one of {', '.join(_SCALAR_TAGS)}, record, array or map"
        )
    return Attribute(kind=kind, **known)


def _without_null(avro_type: Any, path: str) -> tuple[Any, bool]:
    """The type without its null branch, and whether it had one."""
    if not isinstance(avro_type, list):
        return avro_type, False
    branches = [branch for branch in avro_type if branch != "null"]
    if len(branches) != 1:
        raise SchemaError(f"{path}: a union may hold null and one other type, nothing else")
    return branches[0], len(branches) < len(avro_type)


def merge(left: Attribute, right: Attribute, where: str) -> Attribute:
    """One attribute that can hold what either holds; a record's fields are merged by name.

    Raises SchemaError where two record types give one attribute two different kinds.
    """
    same = ("kind", "items", "precision", "scale")
    if any(getattr(left, part) != getattr(right, part) for part in same):
        raise SchemaError(f"{where}: one attribute name has different Avro types in two record types; rename one of them")
    children = merge_all((*left.children, *right.children), where)
    return replace(left, required=False, pii=left.pii or right.pii, children=children)


def merge_all(attributes: Iterable[Attribute], where: str) -> tuple[Attribute, ...]:
    """The attributes merged by name, in order of first appearance."""
    merged: dict[str, Attribute] = {}
    for each in attributes:
        seen = merged.get(each.name)
        merged[each.name] = merge(seen, each, f"{where}.{each.name}") if seen else each
    return tuple(merged.values())
