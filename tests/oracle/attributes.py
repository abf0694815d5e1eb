"""DynamoDB's tagged values read by what the `.avsc` says an attribute must be (unmarshall and BR-003)."""

import base64
import binascii
import re
from decimal import Decimal, localcontext
from typing import Any

from tests.oracle.failure import Failure
from tests.oracle.strict_json import has_lone_surrogate

ABSENT = object()
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NOT_A_VALUE, _WRONG_TYPE = "not a DynamoDB value", "wrong DynamoDB type"


def read_record(
    attributes: dict[str, Any], schema: dict[str, Any], type_: str, path: str = ""
) -> dict[str, Any]:
    """The attributes that the record `schema` names, unmarshalled, in its order; an absent optional one is None.

    Attributes that the schema doesn't name are not looked into, and fields that we make (`origin`) not read.

    Raises:
        Failure: The first field in the schema's order that is missing or not what the schema says.
    """
    record: dict[str, Any] = {}
    for field in schema["fields"]:
        if field.get("origin") == "pipeline":
            continue
        name = f"{path}{field['name']}"
        value = _read(attributes.get(field["name"], ABSENT), _bare(field["type"]), type_, name)
        if value is ABSENT:
            if not _optional(field["type"]) or field.get("requiredInImage"):
                raise Failure("missing", type_, name)
            value = None
        record[field["name"]] = value
    return record


def _optional(avro: Any) -> bool:
    return isinstance(avro, list) and "null" in avro


def _bare(avro: Any) -> Any:
    """The type without its null."""
    return next(part for part in avro if part != "null") if isinstance(avro, list) else avro


def _read(attribute: Any, avro: Any, type_: str, name: str) -> Any:
    """One attribute as the Avro type `avro`, or ABSENT."""
    if attribute is ABSENT:
        return ABSENT
    tag, value = _tagged(attribute, type_, name)
    if tag == "NULL":
        return ABSENT
    kind = avro["type"] if isinstance(avro, dict) else avro
    if kind == "record" and tag == "M":
        return read_record(value, avro, type_, f"{name}.")
    wrong = Failure(_WRONG_TYPE, type_, name)
    if kind == "map" and tag == "M":
        if any(has_lone_surrogate(key) for key in value):
            raise wrong
        return {key: _member(member, avro["values"], wrong) for key, member in value.items()}
    if kind == "array" and tag in ("L", "SS", "NS", "BS"):
        members = value if tag == "L" else [{tag[0]: member} for member in value]
        return [_member(member, avro["items"], wrong) for member in members]
    return _scalar(tag, value, kind, avro, wrong)


def _member(attribute: Any, avro: Any, wrong: Failure) -> Any:
    """A member of a list, set or map; whatever is wrong with it is wrong with the whole attribute."""
    try:
        value = _read(attribute, _bare(avro), wrong.type, wrong.field)
    except Failure:
        raise wrong from None
    if value is ABSENT and not _optional(avro):
        raise wrong
    return None if value is ABSENT else value


def _scalar(tag: str, value: Any, kind: str, avro: Any, wrong: Failure) -> Any:
    if kind == "string" and tag == "S":
        if has_lone_surrogate(value):
            raise Failure("lone surrogate", wrong.type, wrong.field)
        return value
    if kind == "boolean" and tag == "BOOL":
        return value
    logical = avro.get("logicalType") if isinstance(avro, dict) else None
    if kind == "bytes" and tag == "B" and logical is None:
        return base64.b64decode(value)
    if tag == "N" and (kind in ("int", "long", "float", "double") or logical == "decimal"):
        return _number(Decimal(value), kind, avro, wrong)
    raise wrong


def _number(value: Decimal, kind: str, avro: Any, wrong: Failure) -> Any:
    if kind in ("float", "double"):
        return float(value)
    if kind == "bytes":
        return _fitting(value, avro["precision"], avro.get("scale", 0), wrong)
    limit = 2**31 if kind == "int" else 2**63
    if not -limit <= value < limit or value != int(value):
        raise wrong
    return int(value)


def _fitting(value: Decimal, precision: int, scale: int, wrong: Failure) -> Decimal:
    """The number with `scale` decimals, unless that loses a digit or takes more than `precision` digits."""
    with localcontext(prec=400):
        fitted = value.quantize(Decimal(1).scaleb(-scale))
        if fitted != value or len((fitted or Decimal(0)).as_tuple().digits) > precision:
            raise wrong
    return fitted


def _tagged(attribute: Any, type_: str, name: str) -> tuple[str, Any]:
    """The attribute's one tag and its value.

    Raises:
        Failure: It is not an object with exactly one known tag whose JSON value has that tag's type.
    """
    if isinstance(attribute, dict) and len(attribute) == 1:
        ((tag, value),) = attribute.items()
        if _has_type_of(tag, value):
            return tag, value
    raise Failure(_NOT_A_VALUE, type_, name)


def _has_type_of(tag: str, value: Any) -> bool:
    if tag in ("SS", "NS", "BS"):
        return isinstance(value, list) and all(_has_type_of(tag[0], member) for member in value)
    if tag == "S":
        return isinstance(value, str)
    if tag == "N":
        return isinstance(value, str) and _NUMBER.fullmatch(value) is not None
    if tag == "B":
        return isinstance(value, str) and _is_base64(value)
    if tag == "BOOL":
        return isinstance(value, bool)
    if tag == "NULL":
        return value is True
    return (tag == "M" and isinstance(value, dict)) or (tag == "L" and isinstance(value, list))


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
