"""How change events get broken: in their structure, and in their text."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.oracle import values
from tests.oracle.images import PARTITION_DATES
from tests.oracle.json_text import Pairs

Event = dict[str, Any]
Draw = st.DrawFn


def mutate(draw: Draw, event: Event) -> None:
    """Break the event (or not quite) in one way, in place."""
    draw(st.sampled_from(_WAYS))(draw, event)


def mutate_text(draw: Draw, text: str) -> bytes:
    """Break the event's text in one way; the outcome may even be whole again."""
    return draw(st.sampled_from(_TEXT_WAYS))(draw, text)


def _image(event: Event) -> Event:
    """The image that counts; an empty one to play with where there is none."""
    section = event.get("dynamodb")
    image = (
        section.get("OldImage" if event.get("eventName") == "REMOVE" else "NewImage")
        if isinstance(section, dict)
        else None
    )
    return image if isinstance(image, dict) else {}


def _maps(event: Event) -> list[Event]:
    """The image and the maps in it: every object whose members are attributes."""
    found, queue = [], [_image(event)]
    while queue:
        attributes = queue.pop()
        found.append(attributes)
        inner = [value.get("M") for value in attributes.values() if isinstance(value, dict)]
        queue.extend(value for value in inner if isinstance(value, dict))
    return found


def _replace(draw: Draw, event: Event) -> None:
    attributes = draw(st.sampled_from(_maps(event)))
    if attributes:
        attributes[draw(st.sampled_from(sorted(attributes)))] = draw(values.ANYTHING)


def _delete(draw: Draw, event: Event) -> None:
    attributes = draw(st.sampled_from(_maps(event)))
    if attributes:
        del attributes[draw(st.sampled_from(sorted(attributes)))]


def _date(draw: Draw, event: Event) -> None:
    image = _image(event)
    type_ = image.get("type", {}).get("S") if isinstance(image.get("type"), dict) else None
    for path in PARTITION_DATES.get(type_, ()) if isinstance(type_, str) else ():
        *parents, name = path.split(".")
        at: Any = image
        for parent in parents:
            at = at.get(parent, {}).get("M", {}) if isinstance(at.get(parent), dict) else {}
        if isinstance(at, dict):
            at[name] = {"S": draw(values.BAD_DATES)}


def _type(draw: Draw, event: Event) -> None:
    texts = [
        "demand",
        "event",
        "Demand",
        "demand ",
        "order",
        "",
        "__proto__",
        "../x",
        "constructor",
        "demand\x00",
    ]
    _image(event)["type"] = draw(st.one_of(st.sampled_from([{"S": text} for text in texts]), values.ANYTHING))


def _event_name(draw: Draw, event: Event) -> None:
    names = [
        "INSERT",
        "MODIFY",
        "REMOVE",
        "insert",
        "UPSERT",
        "",
        " INSERT",
        "INSERT ",
        None,
        5,
        True,
        {},
        ["INSERT"],
        {"S": "INSERT"},
    ]
    event["eventName"] = draw(st.sampled_from(names))
    if draw(st.integers(0, 3)) == 0:
        del event["eventName"]


def _images(draw: Draw, event: Event) -> None:
    section = event.get("dynamodb")
    if isinstance(section, dict):
        name = draw(st.sampled_from(["NewImage", "OldImage"]))
        section[name] = draw(st.sampled_from([None, {}, [], 5, "image", True, [{}], {"M": {}}]))
        if draw(st.booleans()):
            del section[name]


def _section(draw: Draw, event: Event) -> None:
    event["dynamodb"] = draw(st.sampled_from([None, {}, [], 5, "x", [{"NewImage": {}}]]))


def _surrogate(draw: Draw, event: Event) -> None:
    attributes = draw(st.sampled_from(_maps(event)))
    name = draw(st.sampled_from([*sorted(attributes), "unknown"]))
    attributes[name] = {"S": draw(values.LONE_SURROGATES)}


def _repeat(draw: Draw, event: Event) -> None:
    """One attribute, or a part of one, comes twice; the last one counts."""
    attributes = draw(st.sampled_from(_maps(event)))
    names = [name for name, value in attributes.items() if isinstance(value, dict)]
    if names:
        name = draw(st.sampled_from(sorted(names)))
        first = draw(values.TAGS), draw(values.INSIDES)
        again = list(attributes[name].items())
        attributes[name] = Pairs([first, *again] if draw(st.booleans()) else [*again, *again[:1]])


_WAYS: list[Callable[[Draw, Event], None]] = [
    _replace, _replace, _replace, _replace, _delete, _delete, _date, _date, _type, _event_name, _images, _section, _surrogate, _repeat,
]  # fmt: skip


def _cut(draw: Draw, text: str) -> bytes:
    data = text.encode()
    return data[: draw(st.integers(0, len(data)))]


def _around(draw: Draw, text: str) -> bytes:
    junk = st.sampled_from(
        ["", " ", "\n", "\r\n\t ", "x", ",", "}", "]", "{}", "[]", "null", "1", '""', "\x00", "\ufeff", "\u00a0", "\u2028", "//c", "/**/", "#",
         '{"eventName":"INSERT"}', "]x", '},{"eventName":"INSERT"}', ";", "\x0b", "\x0c", "\x1e", "\x85"]
    )  # fmt: skip
    return (draw(junk) + text + draw(junk)).encode()


def _twice(draw: Draw, text: str) -> bytes:
    return (text + draw(st.sampled_from(["", " ", "\n", ",", "\x1e"])) + text).encode()


def _bytes_put_in(draw: Draw, text: str) -> bytes:
    data = text.encode()
    at = draw(st.integers(0, len(data)))
    junk = st.sampled_from(
        [
            b"\x00",
            b"\xff",
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf5\x80\x80\x80",
            b"\xe2\x28\xa1",
            b"\n",
            b"\x1f",
            b"\x7f",
            b"\\",
        ]
    )
    return data[:at] + draw(junk) + data[at:]


def _bytes_where_a_key_is_due(draw: Draw, text: str) -> bytes:
    data = text.encode()
    places = [at + 1 for at, byte in enumerate(data) if byte == ord("{")]
    at = draw(st.sampled_from(places)) if places else 0
    junk = st.sampled_from(
        [
            b"x",
            b"\x00",
            b"\x1f",
            b"\x0b",
            b",",
            b"5",
            b"{",
            b"[",
            b"]",
            b"null",
            b'"',
            b"x}",
            b"\xc2\xa0",
            b"//",
        ]
    )
    return data[:at] + draw(junk) + data[at:]


def _letters_changed(draw: Draw, text: str) -> bytes:
    at = draw(st.integers(0, max(0, len(text) - 1)))
    put = draw(
        st.sampled_from(
            [
                "",
                '"',
                "'",
                "{",
                "}",
                ":",
                ",",
                "0",
                "\\u00e9",
                "\\ud83d",
                "\\x41",
                "\\/",
                "/",
                "NaN",
                "nul",
                "True",
                "-",
                ".",
                "+1",
            ]
        )
    )
    return (text[:at] + put + text[at + draw(st.integers(0, 2)) :]).encode()


def _quotes(_draw: Draw, text: str) -> bytes:
    return text.replace('"', "'").encode()


def _not_an_event(draw: Draw, _text: str) -> bytes:
    payloads = ["", " ", "\n", "null", "true", "[]", "{}", "[{}]", "5", "-0", '"x"', "hello", "NaN", "Infinity", "{", "}", "[", '{"a":1,}',
                "{'a':1}", "{a:1}", '{"a":01}', '{"a":+1}', '{"a":1.}', '{"a":.5}', '{"a":NaN}', '{"a":-Infinity}', '{"a":tru}', '{"a"}',
                '{"a":1 "b":2}', '{"a":"\\x41"}', '{"a":"\t"}', '{"eventName":"INSERT"}x', '{,}', '{"a":1}{"a":1}', '[{"eventName":"INSERT"}]',
                '{"eventName":"INSERT"},{"eventName":"INSERT"}', '{"a":0x1F}', '{"a":"b"}//', '{"":{}}', '{"a":1e}', '{"a":1E400}']  # fmt: skip
    return draw(st.sampled_from(payloads)).encode()


_TEXT_WAYS: list[Callable[[Draw, str], bytes]] = [
    _cut, _around, _around, _twice, _bytes_put_in, _bytes_where_a_key_is_due, _letters_changed, _letters_changed, _quotes, _not_an_event,
]  # fmt: skip
