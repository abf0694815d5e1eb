"""From a payload to the attributes that the schema names."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import orjson

Record = dict[str, Any]

TYPES = ("demand", "notification", "event", "sale")
LONE = object()  # stands for a string with half a surrogate pair
_ABSENT: Any = object()
_SCHEMAS = Path(__file__).parents[3] / "schemas"
_TAGS = {"string": ("S", str), "boolean": ("BOOL", bool), "record": ("M", dict)}


class Refused(Exception):
    """A change event that ends in an archive error, whose message this is."""


class Field(NamedTuple):
    """An attribute as its ``.avsc`` wants it; ``branch`` is its branch of a union with null, None where there is none."""

    name: str
    tag: str
    kind: type
    branch: str | None
    children: tuple["Field", ...]
    missing: str | None
    wrong: str


def schema_of(type_: str) -> dict[str, Any]:
    """The ``.avsc`` of a record type."""
    schema: dict[str, Any] = json.loads((_SCHEMAS / f"{type_}.avsc").read_text(encoding="utf-8"))
    return schema


def _fields(fields: list[dict[str, Any]], type_: str, parent: str = "") -> tuple[Field, ...]:
    return tuple(_field(each, type_, parent) for each in fields if each.get("origin") != "pipeline")


def _field(field: dict[str, Any], type_: str, parent: str) -> Field:
    is_union = isinstance(field["type"], list)
    declared = field["type"][-1] if is_union else field["type"]
    avro, children = (declared["type"], declared["fields"]) if isinstance(declared, dict) else (declared, [])
    (tag, kind), where = _TAGS[avro], f"{type_}: {parent}{field['name']}"
    return Field(
        field["name"],
        tag,
        kind,
        (f"dmd.{declared['name']}" if children else avro) if is_union else None,
        _fields(children, type_, f"{parent}{field['name']}."),
        f"{where} is missing (BR-003)" if not is_union or field.get("requiredInImage") else None,
        f"{where} is not a DynamoDB {tag} that fits Avro {avro} (BR-003)",
    )


PLANS = {type_: _fields(schema_of(type_)["fields"], type_) for type_ in TYPES}


def parsed(data: bytes) -> dict[str, Any]:
    """The change event. Raises Refused where the payload is not one JSON object in UTF-8."""
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        event = _parsed_slowly(data)
    if type(event) is not dict:
        raise Refused("the payload is not one JSON object")
    return event


def _parsed_slowly(data: bytes) -> Any:
    """What orjson refuses and the rules know a better message for, or take: a half of a surrogate pair."""
    if not data.strip():
        raise Refused("the payload is empty")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Refused("the payload is not UTF-8; the event is held as base64") from None
    try:
        return json.loads(text, object_pairs_hook=_without_lone_surrogates, parse_constant=_refuse_constant)
    except ValueError:
        raise Refused("the payload is not one JSON object") from None


def _without_lone_surrogates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    def is_lone(value: Any) -> bool:
        return isinstance(value, str) and any("\ud800" <= each <= "\udfff" for each in value)

    return {name: LONE if is_lone(value) else value for name, value in pairs}


def _refuse_constant(constant: str) -> None:
    raise ValueError(constant)


def selected_image(name: Any, section: Any) -> Record:
    """BR-001. Raises Refused."""
    if name in ("INSERT", "MODIFY"):
        which = "NewImage"
    elif name == "REMOVE":
        which = "OldImage"
    else:
        raise Refused("eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)")
    image = section.get(which) if type(section) is dict else None
    if type(image) is not dict:
        raise Refused(f"dynamodb.{which} is missing or not a map (BR-001)")
    return image


def read(attributes: Record, fields: tuple[Field, ...]) -> Record:
    """BR-003: the attributes that the schema names, unmarshalled. Raises Refused for the first that is wrong."""
    record: Record = {}
    get = attributes.get
    for name, tag, kind, branch, children, missing, wrong in fields:
        attribute = get(name, _ABSENT)
        if type(attribute) is dict and len(attribute) == 1:
            value = attribute.get(tag)
            if type(value) is kind:
                if children:
                    value = read(attribute[tag], children)
                record[name] = (branch, value) if branch else value
                continue
            if attribute.get("NULL") is True:
                attribute = _ABSENT
        if attribute is not _ABSENT:
            raise Refused(wrong)
        if missing:
            raise Refused(missing)
    return record
