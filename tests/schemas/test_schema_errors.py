"""A schema that the pipeline can't derive its work from is refused when it is loaded, with words that help."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas import SchemaError
from schemas.needs import RESERVED
from tests.schemas.copies import decimal, edited, optional, record_type

Edit = Callable[[dict[str, Any]], object]
TREE = record_type("Tree", optional("left", "Tree"))
TWICE = [
    optional("a", record_type("Twin", optional("x", "string"))),
    optional("b", record_type("Twin", optional("y", "string"))),
]


def adding(*fields: Any) -> Edit:
    return lambda schema: schema["fields"].extend(fields)


def without(path: str) -> Edit:
    def edit(schema: dict[str, Any]) -> None:
        *parents, name = path.split(".")
        fields = _fields_at(schema, parents)
        fields[:] = [each for each in fields if each["name"] != name]

    return edit


def changing(path: str, **properties: Any) -> Edit:
    """Set properties of the field at a path; ... takes one away."""

    def edit(schema: dict[str, Any]) -> None:
        *parents, name = path.split(".")
        (field,) = (each for each in _fields_at(schema, parents) if each["name"] == name)
        for key, value in properties.items():
            field[key] = value
            if value is ...:
                del field[key]

    return edit


def _fields_at(schema: dict[str, Any], parents: list[str]) -> list[Any]:
    fields: list[Any] = schema["fields"]
    for parent in parents:
        declared = next(each["type"] for each in fields if each["name"] == parent)
        fields = (declared[1] if isinstance(declared, list) else declared)["fields"]
    return fields


def field(name: str, avro_type: Any, **properties: Any) -> dict[str, Any]:
    return {"name": name, "type": avro_type, **properties}


REFUSED: dict[str, tuple[str, Edit, str]] = {
    # Avro types that DynamoDB has nothing for.
    "an enum": ("sale", adding(optional("x", {"type": "enum", "name": "E", "symbols": ["A"]})), r"sale\.x: Avro type 'enum' has no DynamoDB counterpart"),
    "a fixed": ("sale", adding(optional("x", {"type": "fixed", "name": "F", "size": 4})), r"sale\.x: Avro type 'fixed'"),
    "a date": ("sale", adding(optional("x", {"type": "int", "logicalType": "date"})), r"sale\.x: Avro type 'date'"),
    "a timestamp": ("sale", adding(optional("x", {"type": "long", "logicalType": "timestamp-millis"})), r"sale\.x: Avro type 'timestamp-millis'"),
    "a uuid": ("sale", adding(optional("x", {"type": "string", "logicalType": "uuid"})), r"sale\.x: Avro type 'uuid'"),
    "a fixed decimal": ("sale", adding(optional("x", {"type": "fixed", "name": "F", "size": 8, "logicalType": "decimal", "precision": 9})), r"sale\.x: Avro type 'decimal'"),
    "a type that is none": ("sale", adding(optional("x", "text")), r"sale\.x: Avro type 'text'.*use one of string, .*, record, array or map"),
    "a type that is a number": ("sale", adding(field("x", 5)), r"sale\.x: .*is no Avro type"),
    "no type": ("sale", adding({"name": "x"}), r"sale: .*name and a type"),
    "no name": ("sale", adding({"type": "string"}), r"sale: .*name and a type"),
    "no field": ("sale", adding("x"), r"sale: .*name and a type"),
    "a type deep inside": ("sale", adding(optional("x", {"type": "array", "items": {"type": "map", "values": "text"}})), r"sale\.x\[\]\[\]: Avro type 'text'"),
    "a record that holds itself": ("sale", adding(optional("x", TREE)), r"sale\.x\.left: Avro type 'Tree'"),
    "a named type used again": ("event", adding(optional("x", "EventStart")), r"event\.x: Avro type 'EventStart'"),
    "an array of nothing": ("sale", adding(optional("x", {"type": "array"})), r"sale\.x: .*items"),
    "a map of nothing": ("sale", adding(optional("x", {"type": "map"})), r"sale\.x: .*values"),
    "a record of nothing": ("sale", adding(optional("x", {"type": "record", "name": "R"})), r"sale\.x: .*fields"),
    "an empty record": ("sale", adding(optional("x", record_type("R"))), r"sale\.x: .*fields"),
    "a record without a name": ("sale", adding(optional("x", {"type": "record", "fields": [field("y", "string")]})), r"sale\.x: .*name"),
    "two records of one name": ("sale", adding(*TWICE), r"sale: .*Twin"),
    "a decimal without precision": ("sale", adding(optional("x", {"type": "bytes", "logicalType": "decimal"})), r"sale\.x: .*precision"),
    "a decimal of 39 digits": ("sale", adding(optional("x", decimal(39, 0))), r"sale\.x: .*1 to 38"),
    "a decimal with more places than digits": ("sale", adding(optional("x", decimal(4, 5))), r"sale\.x: .*scale"),
    "a decimal with a negative scale": ("sale", adding(optional("x", decimal(4, -1))), r"sale\.x: .*scale"),
    # Unions.
    "a union of two types": ("sale", adding(field("x", ["null", "string", "long"])), r"sale\.x: a union may hold null and one other type"),
    "a union of two types without null": ("sale", adding(field("x", ["string", "long"])), r"sale\.x: a union"),
    "null alone": ("sale", adding(field("x", ["null"])), r"sale\.x: a union"),
    "the type null": ("sale", adding(field("x", "null")), r"sale\.x: Avro type 'null'"),
    "null last": ("sale", adding(field("x", ["string", "null"])), r"sale\.x: .*null first"),
    "null last inside": ("sale", adding(optional("x", record_type("R", field("y", ["string", "null"])))), r"sale\.x\.y: .*null first"),
    "a default that is not null": ("sale", adding(field("x", ["null", "string"], default="y")), r"sale\.x: .*default"),
    "a union in a union": ("sale", adding(field("x", ["null", ["null", "string"]])), r"sale\.x: "),
    # Names.
    "a name with a hyphen": ("sale", adding(optional("a-b", "string")), r"sale\.a-b: .*letters, digits"),
    "a name with a dot": ("sale", adding(optional("a.b", "string")), r"sale\.a\.b: .*letters, digits"),
    "a name with a backtick": ("sale", adding(optional("a`b", "string")), r"sale\.a`b: .*letters, digits"),
    "a name that begins with a digit": ("sale", adding(optional("1a", "string")), r"sale\.1a: .*letters, digits"),
    "an empty name": ("sale", adding(optional("", "string")), r"sale\.: .*letters, digits"),
    "a bad name inside": ("sale", adding(optional("x", record_type("R", optional("a b", "string")))), r"sale\.x\.a b: .*letters, digits"),
    "a name that comes twice": ("sale", adding(optional("name", "string")), r"Sale: two fields differ by case alone"),
    "a name in another case": ("sale", adding(optional("EVENTID", "string")), r"Sale: two fields differ by case alone"),
    "a name in another case inside": ("sale", adding(optional("x", record_type("R", optional("a", "string"), optional("A", "string")))), r"Sale\.x: two fields differ by case alone"),
    "a name in another case in another type": ("sale", adding(optional("FanId", "string")), r"fanId.*FanId.*case|FanId.*fanId.*case"),
    "a member in another case in another type": ("sale", changing("date", type=["null", record_type("SaleDate", optional("deleted", "string"), optional("Requested", "string"))]), r"[Rr]equested.*case"),
    **{f"the reserved name {name}": ("sale", adding(optional(name, "string")), rf"sale\.{name}: .*reserved") for name in
       ("data", "payload", "message", "event", "image", "odd", "isOneEvent", "created", "shardId", "sequenceNumber", "withoutSystem", "partitionDate",
        "body", "streamName", "partitionKey", "approximateArrivalTimestamp", "partition_date", "userIdentity", "MESSAGE")},
    "a member of a reserved name": ("sale", changing("date", type=["null", record_type("SaleDate", optional("deleted", "string"), optional("userIdentity", "string"))]), r"sale\.date\.userIdentity: .*reserved"),
    # Two record types.
    "another type in another record type": ("sale", adding(optional("fanId", "long")), r"fanId: .*different Avro types in two record types"),
    "another type inside": ("sale", changing("date", type=["null", record_type("SaleDate", optional("deleted", "string"), optional("updated", "long"))]), r"date\.updated: .*different Avro types"),
    "another item type": ("sale", adding(optional("x", {"type": "array", "items": "string"}), optional("email", {"type": "array", "items": "string"})), r"email: .*different Avro types"),
    # Properties of ours.
    "an unknown origin": ("sale", adding(optional("x", "string", origin="elsewhere")), r"sale\.x: .*origin"),
    "something that the pipeline doesn't make": ("sale", adding(optional("x", "string", origin="pipeline")), r"sale\.x: .*origin"),
    "a system of the image's": ("sale", adding(optional("system", "string")), r"sale\.system: .*origin"),
    "a system where there is none": ("sale", adding(optional("system", record_type("S", field("id", "string"), field("databaseId", "string"), field("memberId", "string")), origin="pipeline")), r"sale\.system: "),
    "a system in another case": ("sale", adding(optional("System", "string")), r"sale\.System: .*origin"),
    "a reference of the image's": ("sale", changing("reference", origin=...), r"sale\.reference: .*origin"),
    "an origin inside": ("sale", adding(optional("x", record_type("R", optional("y", "string", origin="pipeline")))), r"sale\.x\.y: .*origin"),
    "pii on a number": ("sale", adding(optional("x", "long", pii=True)), r"sale\.x: .*pii"),
    "pii on a record": ("sale", adding(optional("x", record_type("R", optional("y", "string")), pii=True)), r"sale\.x: .*pii"),
    "pii on an array": ("sale", adding(optional("x", {"type": "array", "items": "string"}, pii=True)), r"sale\.x: .*pii"),
    "pii inside": ("sale", adding(optional("x", record_type("R", optional("y", "string", pii=True)))), r"sale\.x\.y: .*pii"),
    "pii inside an array": ("sale", adding(optional("x", {"type": "array", "items": record_type("R", optional("y", "string", pii=True))})), r"sale\.x\[\]\.y: .*pii"),
    "pii inside a date": ("demand", changing("date.notified", pii=True), r"demand\.date\.notified: .*pii"),
    "pii on an id": ("sale", changing("id", pii=True), r"sale\.id: .*pii"),
    "pii on the type": ("sale", changing("type", pii=True), r"sale\.type: .*pii"),
    "pii on systemUserId": ("demand", changing("systemUserId", pii=True), r"demand\.systemUserId: .*pii"),
    "pii on the reference": ("sale", changing("reference", pii=True), r"sale\.reference: .*pii"),
    "pii in one of two record types": ("notification", changing("phoneNumber", pii=...), r"phoneNumber: .*pii.*record type"),
    "a message that isn't pii": ("notification", changing("messageBody", pii=...), r"notification\.messageBody: .*pii.*BR-005"),
    "a new phone number that isn't pii": ("sale", adding(optional("phoneNumber", "string")), r"sale\.phoneNumber: .*pii.*BR-005"),
    "pii that is no boolean": ("sale", changing("name", pii="false"), r"sale\.name: .*pii.*true or false"),
    "requiredInImage that is no boolean": ("sale", changing("name", requiredInImage="no"), r"sale\.name: .*requiredInImage.*true or false"),
    # What the steps rely on.
    **{f"no {type_}.{path}": (type_, without(path), rf"{type_}\.{path}: .*rel") for type_, path in (
        ("demand", "type"), ("demand", "fanId"), ("demand", "eventId"), ("demand", "saleId"), ("demand", "systemUserId"),
        ("demand", "date"), ("demand", "date.requested"), ("demand", "date.triggered"), ("demand", "date.notified"), ("demand", "date.deleted"),
        ("demand", "isDeleted"), ("demand", "system"), ("demand", "reference"), ("demand", "change"),
        ("notification", "fanId"), ("notification", "date.created"), ("notification", "date.updated"), ("notification", "date.deleted"),
        ("event", "id"), ("event", "date"), ("event", "date.firstSeen"), ("event", "date.updated"), ("event", "eventDate"),
        ("event", "eventDate.start"), ("event", "eventDate.start.dateTime"), ("event", "isDeleted"), ("event", "reference"),
        ("sale", "id"), ("sale", "eventId"), ("sale", "saleStartDateTime"), ("sale", "date"), ("sale", "isDeleted"),
        ("sale", "change"))},
    "a change without a time": ("sale", without("change.time"), r"sale\.change: .*id, name, time, sequenceNumber"),
    "a reference without an id": ("sale", without("reference.id"), r"sale\.reference: .*id, timestamp"),
    "a system without a member": ("demand", without("system.memberId"), r"demand\.system: .*id, databaseId, memberId"),
    "no sale.date.deleted": ("sale", changing("date", type=["null", record_type("D", optional("moved", "string"))]), r"sale\.date\.deleted: .*rel"),
    "a type that is optional": ("sale", changing("type", type=["null", "string"], default=None), r"sale\.type: .*required"),
    "an id that is optional": ("sale", changing("eventId", type=["null", "string"], default=None), r"sale\.eventId: .*required"),
    "a date that is optional": ("demand", lambda schema: _make_optional(schema, "date"), r"demand\.date.*: .*required"),
    "a date that is a string": ("sale", changing("date", type=["null", "string"]), r"sale\.date.*: .*|date: .*different"),
    "a member of date that is a number": ("demand", changing("date.triggered", type=["null", "long"]), r"demand\.date\.triggered: .*string"),
    "a required member of an optional date": ("sale", lambda schema: _fields_at(schema, ["date"]).append(field("moved", "string")), r"sale\.date\.moved: .*requiredInImage"),
    "isDeleted as a string": ("sale", changing("isDeleted", type=["null", "string"]), r"sale\.isDeleted: .*boolean"),
    "isDeleted required": ("sale", changing("isDeleted", type="boolean", default=...), r"sale\.isDeleted: .*optional"),
    "a change time that is required": ("sale", changing("change.time", type="string", default=...), r"sale\.change: .*optional"),
    "a change that is a string": ("sale", changing("change", type=["null", "string"]), r"sale\.change.*"),
    "a reference with more in it": ("sale", lambda schema: _fields_at(schema, ["reference"]).append(optional("x", "string")), r"sale\.reference: .*id, timestamp"),
    "a system that is required": ("demand", lambda schema: _make_required(schema, "system"), r"demand\.system: .*optional"),
}  # fmt: skip


def _make_optional(schema: dict[str, Any], name: str) -> None:
    (each,) = (each for each in schema["fields"] if each["name"] == name)
    each.update(type=["null", each["type"]], default=None)


def _make_required(schema: dict[str, Any], name: str) -> None:
    (each,) = (each for each in schema["fields"] if each["name"] == name)
    each.update(type=each["type"][1])
    del each["default"]


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_pipeline_cannot_work_with_is_refused(what: str, tmp_path: Path) -> None:
    type_, edit, message = REFUSED[what]
    with pytest.raises(SchemaError, match=message):
        schemas.load(edited(tmp_path, {type_: edit}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"sale\.avsc: can't be read as JSON"),
        ("{", r"sale\.avsc: can't be read as JSON"),
        ("[]", r"sale\.avsc: .*record"),
        ('"string"', r"sale\.avsc: .*record"),
        ("{}", r"sale\.avsc: .*record"),
        ('{"type": "enum", "name": "Sale", "symbols": []}', r"sale\.avsc: .*record"),
        ('{"type": "record", "name": "Sale"}', r"sale\.avsc: .*record"),
        ('{"type": "record", "name": "Sale", "fields": {}}', r"sale\.avsc: .*record"),
        ('{"type": "record", "fields": []}', r"sale\.avsc: .*record"),
    ],
)
def test_a_file_that_is_no_record_schema_is_named(text: str, message: str, tmp_path: Path) -> None:
    (edited(tmp_path, {}) / "sale.avsc").write_text(text)
    with pytest.raises(SchemaError, match=message):
        schemas.load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (edited(tmp_path, {}) / "event.avsc").unlink()
    with pytest.raises(SchemaError, match=r"event\.avsc: can't be read"):
        schemas.load(tmp_path)


def test_the_packaged_schemas_are_not_refused(tmp_path: Path) -> None:
    packaged = schemas.load()
    assert list(packaged) == ["demand", "notification", "event", "sale"]
    assert schemas.load(edited(tmp_path, {})) == packaged
    assert all(json.loads(schema.avro_text)["type"] == "record" for schema in packaged.values())


def test_a_reserved_name_inside_a_record_does_no_harm(tmp_path: Path) -> None:
    inside = record_type("R", *(optional(name, "string") for name in sorted(RESERVED)))
    loaded = schemas.load(edited(tmp_path, {"sale": adding(optional("x", inside))}))
    assert loaded["sale"].attributes[-1].kind == "record"
