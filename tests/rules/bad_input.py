"""Bad input of every kind: payloads by name, and each attribute of each type with everything that it must not be."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import schemas
from tests.rules.change_events import (
    FULL,
    GONE,
    NO_EVENT_NAME,
    NO_NEW_IMAGE,
    NO_OLD_IMAGE,
    NO_TYPE,
    Image,
    change,
    demand,
    event,
    insert,
    modify,
    notification,
    payload,
    remove,
    sale,
)
from tests.rules.dates import NO_DATES
from tests.rules.values import NO_VALUES, OF_EVERY_TYPE

NO_EVENT_ID = "eventID is not a string of Unicode characters (BR-020)"
WHOLE = insert(sale(name="Presale"))
INSIDE = WHOLE.index(b"Presale")
_TAGS = {"string": "S", "boolean": "BOOL", "record": "M"}


def dated_event(first_seen: Any, start: str) -> Image:
    """An event's image with the two strings that its partition date may come from."""
    dates = {"firstSeen": first_seen, "updated": "2026-03-01"}
    return event(date=dates, eventDate={"start": {"dateTime": start}})


def around(before: bytes, after: bytes) -> bytes:
    """A good change event with something around it."""
    return before + WHOLE + after


def inside(junk: bytes) -> bytes:
    """A good change event with something put into the string of an attribute that is archived."""
    return WHOLE[:INSIDE] + junk + WHOLE[INSIDE:]


def unknown(value: bytes) -> bytes:
    """A good change event with one more attribute, written just so, that no schema names."""
    return insert(sale(unknown="@")).replace(b'{"S":"@"}', value)


EMPTY: dict[str, bytes] = {
    "nothing": b"",
    "a blank": b" ",
    "white space": b"\n\t \r\n",
}
NOT_JSON: dict[str, bytes] = {
    "white space that is none in JSON": "\u2028".encode(),
    "words": b"hello",
    "XML": b"<event/>",
    "a form": b"eventName=INSERT&type=sale",
    "single quotes": WHOLE.replace(b'"', b"'"),
    "single quotes around a key": WHOLE.replace(b'"eventName"', b"'eventName'"),
    "a bare key": WHOLE.replace(b'"eventName"', b"eventName"),
    "a bare value": WHOLE.replace(b'"INSERT"', b"INSERT"),
    "an equals sign": WHOLE.replace(b'"eventName":', b'"eventName"='),
    "no comma": WHOLE.replace(b',"dynamodb"', b' "dynamodb"'),
    "a trailing comma": WHOLE[:-1] + b",}",
    "a comma in front": b"{," + WHOLE[1:],
    "NaN": unknown(b"NaN"),
    "Infinity": unknown(b'{"N":-Infinity}'),
    "a number with a leading zero": unknown(b"01"),
    "a number with a plus": unknown(b"+1"),
    "a number ending in a point": unknown(b"1."),
    "a number beginning with a point": unknown(b".5"),
    "a number in hexadecimal": unknown(b"0x1F"),
    "half a word": unknown(b"tru"),
    "a capital": unknown(b"True"),
    "an unknown escape": inside(b"\\x41"),
    "half an escape": inside(b"\\u12"),
    "a raw NUL": inside(b"\x00"),
    "a raw NUL in an unknown attribute": unknown(b'{"S":"\x00"}'),
    "a raw NUL between": around(b"", b"").replace(b",", b",\x00", 1),
    "a raw NUL where a key is due": WHOLE.replace(b'{"S":', b'{\x00"S":', 1),
    "junk where a key is due": WHOLE.replace(b'{"S":', b'{x"S":', 1),
    "junk for an object": WHOLE.replace(b'{"S":"Presale"}', b"{x}"),
    "junk for an unknown object": unknown(b"{x}"),
    "a raw line break": inside(b"\n"),
    "a raw tab": inside(b"\t"),
    "a raw control character": inside(b"\x1f"),
    "a comment": around(b"", b"//"),
    "a comment in the middle": WHOLE.replace(b",", b",/* made up */", 1),
    "a comment in a line": WHOLE.replace(b",", b",// made up\n", 1),
    "a comment of another kind": around(b"# made up\n", b""),
    "junk before": around(b"x", b""),
    "junk after": around(b"", b"x"),
    "junk after a blank": around(b"", b" x"),
    "a byte order mark": around(b"\xef\xbb\xbf", b""),
    "a no-break space": around(b"", b"\xc2\xa0"),
    "a line separator": around("\u2028".encode(), b""),
    "a NUL after": around(b"", b"\x00"),
    "a form feed after": around(b"", b"\x0c"),
    "a comma after": around(b"", b","),
    "a brace after": around(b"", b"}"),
    "a bracket after": around(b"", b"]"),
    "a bracket and junk after": around(b"", b"]x"),
    "a bracket before": around(b"[", b""),
    "null after": around(b"", b"null"),
    "a number after": around(b"", b"1"),
    "a string after": around(b"", b'""'),
    "an empty object after": around(b"", b"{}"),
    "an empty object after a comma": around(b"", b",{}"),
    "an empty array after": around(b"", b"[]"),
    "two objects": WHOLE + WHOLE,
    "two objects in two lines": WHOLE + b"\n" + WHOLE,
    "two objects and a comma": WHOLE + b"," + WHOLE,
    "an array broken open": around(b"", b'},{"eventName":"INSERT"}'),
    "an array broken shut": around(b"", b'],[{"eventName":"INSERT"'),
    "an array": b"[" + WHOLE + b"]",
    "an array of two": b"[" + WHOLE + b"," + WHOLE + b"]",
    "an empty array": b"[]",
    "a number": b"42",
    "a string": b'"INSERT"',
    "the event in a string": json.dumps(WHOLE.decode()).encode(),
    "null": b"null",
    "true": b"true",
    "an array of a thousand levels": unknown(b"[" * 1001 + b"]" * 1001),
}
TRUNCATED: dict[str, bytes] = {f"cut after {length} bytes": WHOLE[:length] for length in range(1, len(WHOLE))}
NOT_UTF8: dict[str, bytes] = {
    "a byte that is none": inside(b"\xff"),
    "an overlong slash": inside(b"\xc0\xaf"),
    "an overlong NUL": inside(b"\xc0\x80"),
    "a surrogate": inside(b"\xed\xa0\xbc"),
    "half an emoji": inside(b"\xf0\x9f\x8e"),
    "beyond Unicode": inside(b"\xf5\x80\x80\x80"),
    "Latin-1": inside(b"\xe4\xf6"),
    "in an unknown attribute": unknown(b'{"S":"\xff"}'),
    "in a key": unknown(b'{"\xff":"x"}'),
    "after the event": around(b"", b"\xff"),
    "before the event": around(b"\xff\xfe", b""),
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "nothing else": b"\xff",
    "long": around(b"", b"\xff" * 1000),
}
HALF_EMOJI: dict[str, tuple[bytes, str]] = {
    "the front half": (inside(b"\\ud83c"), "sale: name is not a DynamoDB S that fits Avro string (BR-003)"),
    "the back half": (inside(b"\\uDFAB"), "sale: name is not a DynamoDB S that fits Avro string (BR-003)"),
    "the halves in the wrong order": (
        inside(b"\\udfab\\ud83c"),
        "sale: name is not a DynamoDB S that fits Avro string (BR-003)",
    ),
    "in a repeated tag": (
        WHOLE.replace(b'{"S":"Presale"}', b'{"S":"?","S":"\\ud83c"}'),
        "sale: name is not a DynamoDB S that fits Avro string (BR-003)",
    ),
    "in a repeated M": (
        insert(sale(date={"deleted": "\ud83c"})).replace(b'{"M":', b'{"M":{},"M":'),
        "sale: date is not a DynamoDB M that fits Avro record (BR-003)",
    ),
    "in an id": (insert(sale(id="\udfab")), "sale: id is not a DynamoDB S that fits Avro string (BR-003)"),
    "inside date": (
        insert(sale(date={"deleted": "\ud83c"})),
        "sale: date.deleted is not a DynamoDB S that fits Avro string (BR-003)",
    ),
    "in what will be scrubbed": (
        remove(demand(email="\ud83c@example.com")),
        "demand: email is not a DynamoDB S that fits Avro string (BR-003)",
    ),
}
_DATED: list[tuple[str, str, str, Callable[[str], bytes]]] = [
    ("BR-008", "demand", "date.requested", lambda text: modify(demand(date={"requested": text}))),
    ("BR-009", "notification", "date.created", lambda text: remove(notification(date={"created": text}))),
    ("BR-010", "event", "date.firstSeen", lambda text: insert(dated_event(text, "2026-03-01"))),
    ("BR-010", "event", "eventDate.start.dateTime", lambda text: insert(dated_event(GONE, text))),
    ("BR-011", "sale", "saleStartDateTime", lambda text: insert(sale(saleStartDateTime=text))),
]
DATES: dict[str, tuple[bytes, str]] = {
    f"{path} {text!r}": (make(text), f"{type_}: {path} is not an ISO-8601 date ({rule})")
    for rule, type_, path, make in _DATED
    for text in NO_DATES
}


class Broken(NamedTuple):
    """A change event whose attribute at `path` is not what the schema of `type` asks for."""

    type: str
    path: str
    what: str
    data: bytes
    message: str


def _fields(fields: list[Any], parent: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, field and Avro type of everything in an image that the schema names."""
    for field in fields:
        if field.get("origin") == "pipeline":
            continue
        declared = field["type"][1] if isinstance(field["type"], list) else field["type"]
        yield parent + field["name"], field, declared
        if isinstance(declared, dict):
            yield from _fields(declared["fields"], f"{parent}{field['name']}.")


def _placed(type_: str, path: str, value: Any) -> bytes:
    """The full image with `value` at `path`, or nothing there."""
    image: Image = copy.deepcopy(FULL[type_])
    *parents, name = path.split(".")
    attributes = image
    for parent in parents:
        attributes = attributes[parent]["M"]
    attributes.pop(name, None)
    if value is not GONE:
        attributes[name] = value
    return insert(image)


def _broken(type_: str) -> Iterator[Broken]:
    for path, field, declared in _fields(schemas.avro(type_)["fields"]):
        kind = declared["type"] if isinstance(declared, dict) else declared
        tag = _TAGS[kind]
        wrong = f"{type_}: {path} is not a DynamoDB {tag} that fits Avro {kind} (BR-003)"
        missing = f"{type_}: {path} is missing (BR-003)"
        others = {what: value for what, value in OF_EVERY_TYPE.items() if what != tag}
        for what, value in {**others, **NO_VALUES}.items():
            yield Broken(type_, path, what, _placed(type_, path, value), wrong)
        if not isinstance(field["type"], list) or field.get("requiredInImage"):
            yield Broken(type_, path, "missing", _placed(type_, path, GONE), missing)
            yield Broken(type_, path, "NULL", _placed(type_, path, {"NULL": True}), missing)


BROKEN = {
    f"{each.type}: {each.path}: {each.what}": each
    for type_ in schemas.RECORD_TYPES
    for each in _broken(type_)
}
NO_EVENTS: dict[str, tuple[bytes, str]] = {
    "eventName missing": (WHOLE.replace(b'"eventName"', b'"eventname"'), NO_EVENT_NAME),
    "eventName unknown": (WHOLE.replace(b"INSERT", b"UPSERT"), NO_EVENT_NAME),
    "eventName half an emoji": (WHOLE.replace(b"INSERT", b"INSERT\\ud83c"), NO_EVENT_NAME),
    "NewImage missing": (change("MODIFY", OldImage=sale()), NO_NEW_IMAGE),
    "OldImage missing": (change("REMOVE", NewImage=sale()), NO_OLD_IMAGE),
    "NewImage not a map": (insert([sale()]), NO_NEW_IMAGE),
    "OldImage not a map": (remove("image"), NO_OLD_IMAGE),
    "an empty object": (b"{}", NO_EVENT_NAME),
    "another event": (payload({"records": [{"eventName": "INSERT"}]}), NO_EVENT_NAME),
    "type missing": (insert(sale(type=GONE)), NO_TYPE),
    "type unknown": (insert(sale(type="order")), NO_TYPE),
    "type __proto__": (insert(sale(type="__proto__")), NO_TYPE),
    "type ../x": (insert(sale(type="../x")), NO_TYPE),
    "type in the wrong case": (insert(sale(type="Sale")), NO_TYPE),
    **{
        f"the type {type_} in a string": (insert({**FULL[type_], "type": f'{{"S":"{type_}"}}'}), NO_TYPE)
        for type_ in schemas.RECORD_TYPES
    },
    "eventID half an emoji": (payload({"eventID": "\ud83c", "eventName": "INSERT", "dynamodb": {"NewImage": sale()}}), NO_EVENT_ID),
}  # fmt: skip
CASES: dict[str, bytes] = {
    **{f"empty: {what}": data for what, data in EMPTY.items()},
    **{f"not JSON: {what}": data for what, data in NOT_JSON.items()},
    **TRUNCATED,
    **{f"not UTF-8: {what}": data for what, data in NOT_UTF8.items()},
    **{f"half an emoji: {what}": data for what, (data, _) in HALF_EMOJI.items()},
    **{f"no event: {what}": data for what, (data, _) in NO_EVENTS.items()},
    **{what: data for what, (data, _) in DATES.items()},
    **{what: each.data for what, each in BROKEN.items()},
}
