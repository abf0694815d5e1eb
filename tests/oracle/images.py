"""Hypothesis strategies for well-formed change events, made from the `.avsc` files like everything else."""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.oracle import values
from tests.oracle.rulebook import SCHEMAS, TYPES, schema_of

PARTITION_DATES = {
    "demand": ("date.requested",),
    "notification": ("date.created",),
    "event": ("date.firstSeen", "eventDate.start.dateTime"),
    "sale": ("saleStartDateTime",),
}
UNKNOWN_NAMES = st.one_of(
    st.sampled_from(
        ["pk", "ttl", "__proto__", "Type", "fanid", "date.requested", "reference", "system", "change", ""]
    ),
    values.STRINGS,
)
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": values.STRINGS.map(lambda v: {"S": v}),
    "boolean": st.booleans().map(lambda v: {"BOOL": v}),
    "int": st.integers(-(2**31), 2**31 - 1).map(lambda v: {"N": str(v)}),
    "long": st.integers(-(2**63), 2**63 - 1).map(lambda v: {"N": str(v)}),
    "double": st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda v: {"N": repr(v)}),
    "bytes": values.BASE64.map(lambda v: {"B": v}),
}
_ELEMENTS = {
    "string": ("SS", values.STRINGS),
    "long": ("NS", st.integers(-9, 9).map(str)),
    "bytes": ("BS", values.BASE64),
}


@st.composite
def events(draw: st.DrawFn, schemas: Path = SCHEMAS) -> dict[str, Any]:
    """A change event that the archive must take, with the shape of one of the two sources."""
    type_, name = draw(st.sampled_from(TYPES)), draw(st.sampled_from(["INSERT", "MODIFY", "REMOVE"]))
    image = draw(images(type_, schemas))
    section: dict[str, Any] = {
        "Keys": {"pk": {"S": "k"}},
        "OldImage" if name == "REMOVE" else "NewImage": image,
    }
    if name == "MODIFY":
        section["OldImage"] = draw(st.one_of(images(type_, schemas), st.sampled_from([None, {}, 5])))
    if draw(st.booleans()):
        section["ApproximateCreationDateTime"] = draw(values.CREATION_TIMES)
    if draw(st.integers(0, 2)) == 0:
        section["ApproximateCreationDateTimePrecision"] = draw(values.PRECISIONS)
    event = {"eventName": name, "dynamodb": section, "eventSource": "aws:dynamodb", "userIdentity": None}
    if draw(st.integers(0, 3)):
        event["eventID"] = draw(st.one_of(st.none(), values.STRINGS))
    return shuffled(draw, event)


@st.composite
def images(draw: st.DrawFn, type_: str, schemas: Path = SCHEMAS) -> dict[str, Any]:
    """An image of a record of this type, with attributes that no schema knows around it."""
    image: dict[str, Any] = draw(st.dictionaries(UNKNOWN_NAMES, values.ANYTHING, max_size=2))
    fields = schema_of(type_, schemas)["fields"]
    image = {name: value for name, value in image.items() if name not in {field["name"] for field in fields}}
    if draw(st.integers(0, 4)) == 0:
        image[draw(st.sampled_from(["reference", "system", "change"]))] = draw(values.ANYTHING)
    return shuffled(draw, image | _record(draw, fields, type_, ""))


def shuffled(draw: st.DrawFn, members: dict[str, Any]) -> dict[str, Any]:
    """The same object, its members perhaps in another order."""
    if draw(st.booleans()):
        return members
    return {name: members[name] for name in draw(st.permutations(list(members)))}


def _record(draw: st.DrawFn, fields: list[dict[str, Any]], type_: str, path: str) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for field in fields:
        if field.get("origin") == "pipeline":
            continue
        optional = isinstance(field["type"], list) and not field.get("requiredInImage")
        presence = draw(st.integers(0, 5)) if optional else 5
        if presence >= 2:
            record[field["name"]] = _attribute(draw, field["type"], type_, path + field["name"])
        elif presence == 1:
            record[field["name"]] = {"NULL": True}
    return record


def _attribute(draw: st.DrawFn, avro: Any, type_: str, path: str) -> dict[str, Any]:
    declared = avro[-1] if isinstance(avro, list) else avro
    kind = declared["type"] if isinstance(declared, dict) else declared
    if path == "type":
        return {"S": type_}
    if path in PARTITION_DATES[type_]:
        return {"S": draw(values.date_texts())}
    if path.startswith("date.") and kind == "string":
        return {"S": draw(st.one_of(values.close_date_texts(), values.date_texts(), values.BAD_DATES))}
    if path in values.PERSONAL:
        return {"S": draw(values.PERSONAL[path])}
    if path == "systemUserId":
        return {"S": draw(st.one_of(values.SYSTEM_USER_IDS, values.STRINGS))}
    return _by_kind(draw, declared, kind, type_, path)


def _by_kind(draw: st.DrawFn, declared: Any, kind: str, type_: str, path: str) -> dict[str, Any]:
    if kind == "record":
        return {"M": shuffled(draw, _record(draw, declared["fields"], type_, f"{path}."))}
    if kind == "map":
        keys = draw(st.lists(values.STRINGS, max_size=2, unique=True))
        return {
            "M": {key: _by_kind(draw, declared["values"], declared["values"], type_, path) for key in keys}
        }
    if kind == "array":
        tag, member = _ELEMENTS[declared["items"]]
        if draw(st.booleans()):
            return {tag: draw(st.lists(member, max_size=3))}
        return {"L": draw(st.lists(_SCALARS[declared["items"]], max_size=3))}
    if isinstance(declared, dict) and declared.get("logicalType") == "decimal":
        return {"N": f"{draw(st.integers(-999, 999))}.{draw(st.integers(0, 99)):02d}"}
    attribute: dict[str, Any] = draw(_SCALARS[kind])
    return attribute
