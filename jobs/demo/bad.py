"""Makers of change events that must end as archive errors, one for every kind the archive promises to survive."""

from __future__ import annotations

import json
from typing import Any

from jobs.demo.broken import OPTIONAL, PARTITION_DATE, REQUIRED, Make, Maker, edited, image_of, place, remove
from jobs.demo.broken import copy as copied
from jobs.demo.dice import Dice
from jobs.demo.envelopes import Event, encode
from jobs.demo.images import Image

_NOT_UTF8 = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf0\x9f\x8e", b"\xe4\xf6")
_IN_A_STRING = b'"S":"'
_GONE = object()


def _payload(*choices: bytes) -> Make:
    return lambda _event, dice: dice.pick(choices)


def _around(before: bytes, after: bytes) -> Make:
    return lambda event, _dice: before + encode(event) + after


def _inside(*choices: bytes) -> Make:
    """Raw bytes at the beginning of one of the image's strings."""
    return lambda event, dice: encode(event).replace(_IN_A_STRING, _IN_A_STRING + dice.pick(choices), 1)


def _truncated(event: Event, dice: Dice) -> bytes:
    data = encode(event)
    return data[: 1 + dice.below(len(data) - 1)]


def _two_objects(event: Event, dice: Dice) -> bytes:
    return encode(event) + dice.pick((b"", b"\n", b",")) + encode(event)


def _lone_surrogate(event: Event, dice: Dice) -> bytes:
    event = copied(event)
    place(
        image_of(event),
        _required(event, dice, depth=1),
        {"S": "half of an emoji: " + dice.pick("\ud83d\udc00\udfff")},
    )
    return json.dumps(event).encode()


def _required(event: Event, dice: Dice, depth: int = 9) -> tuple[str, ...]:
    paths = [
        path for path in REQUIRED[image_of(event)["type"]["S"]] if len(path) <= depth and path != ("date",)
    ]
    return dice.pick(paths)


def _named(event: Event, dice: Dice) -> tuple[str, ...]:
    type_ = image_of(event)["type"]["S"]
    return dice.pick([path for path in REQUIRED[type_] + OPTIONAL[type_] if path != ("date",)])


def _envelope(**members: Any) -> Make:
    """A maker that sets members of the envelope, or takes them away."""

    def change(event: Event, _image: Image, _dice: Dice) -> None:
        for name, value in members.items():
            event[name] = value
            if value is _GONE:
                del event[name]

    return edited(change)


def _image(*choices: Any) -> Make:
    """A maker that puts something else in the image's place, or nothing."""

    def change(event: Event, _image: Image, dice: Dice) -> None:
        name, choice = "OldImage" if event["eventName"] == "REMOVE" else "NewImage", dice.pick(choices)
        event["dynamodb"].update({name: choice})
        if choice is _GONE:
            del event["dynamodb"][name]

    return edited(change)


def _type(*choices: Any) -> Make:
    return edited(lambda _event, image, dice: image.update(type=dice.pick(choices)))


def _attribute(*choices: Any) -> Make:
    """A maker that puts one of these in the place of any one attribute the schema names."""
    return edited(lambda event, image, dice: place(image, _named(event, dice), dice.pick(choices)))


def _date(*choices: str) -> Make:
    """A maker that writes one of these where the partition date comes from."""
    return edited(
        lambda _event, image, dice: place(
            image, PARTITION_DATE[image["type"]["S"]], {"S": dice.pick(choices)}
        )
    )


def _set(name: str, *choices: Any) -> Make:
    return edited(lambda _event, image, dice: image.update({name: dice.pick(choices)}))


_KINDS: dict[str, Make | Maker] = {
    "empty payload": _payload(b""),
    "white space only": _payload(b" ", b"\n\t \r\n"),
    "not JSON": _payload(b"hello", b"<event/>", b"eventName=INSERT", b"{'eventName':'INSERT'}", b"undefined"),
    "truncated JSON": _truncated,
    "JSON that is no object": _payload(
        b"[]", b'[{"eventName":"INSERT"}]', b"42", b'"INSERT"', b"null", b"true"
    ),
    "something before the object": _around(b"x", b""),
    "byte order mark": _around(b"\xef\xbb\xbf", b""),
    "something after the object": _around(b"", b"x"),
    "trailing comma": _around(b"", b","),
    "two objects in one payload": _two_objects,
    "comment in JSON": _around(b"", b" // made up"),
    "NaN in JSON": lambda event, _dice: encode(event)[:-1] + b',"score":NaN}',
    "invalid UTF-8": _inside(*_NOT_UTF8),
    "raw NUL": _inside(b"\x00"),
    "raw line break in a string": _inside(b"\n", b"\x1f"),
    "lone surrogate": _lone_surrogate,
    "eventName missing": _envelope(eventName=_GONE),
    "eventName unknown": _envelope(eventName="UPSERT"),
    "eventName in the wrong case": _envelope(eventName="Insert"),
    "no dynamodb section": _envelope(dynamodb=_GONE),
    "image missing": _image(_GONE),
    "image not a map": _image("image", 7, [], True),
    "image null": _image(None),
    "type missing": edited(lambda _event, image, _dice: remove(image, ("type",))),
    "type unknown": _type({"S": "order"}, {"S": ""}),
    "type __proto__": _type({"S": "__proto__"}),
    "type ../x": _type({"S": "../x"}),
    "type in the wrong case": _type({"S": "Demand"}, {"S": "EVENT"}, {"S": "sale "}),
    "type not a string": _type({"N": "1"}, {"SS": ["demand"]}, "demand", {"NULL": True}, None),
    "required attribute missing": edited(lambda event, image, dice: remove(image, _required(event, dice))),
    "required attribute NULL": edited(
        lambda event, image, dice: place(image, _required(event, dice), {"NULL": True})
    ),
    "date missing": Maker(edited(lambda _event, image, _dice: remove(image, ("date",))), "notification"),
    "date.updated missing": Maker(
        edited(lambda _event, image, _dice: remove(image, ("date", "updated"))), "event"
    ),
    "date sent as S": Maker(_set("date", {"S": "2026-03-01"}), "demand"),
    "number where a string is due": _attribute({"N": "15550100"}),
    "other DynamoDB type": _attribute(
        {"BOOL": True}, {"B": "AAE="}, {"M": {}}, {"L": []}, {"SS": ["x"]}, {"NS": ["1"]}, {"BS": ["AAE="]}
    ),
    "isDeleted not BOOL": _set("isDeleted", {"S": "true"}, {"N": "1"}),
    "bare value": _attribute("bare", 5, True, ["x"]),
    "JSON null as attribute": _attribute(None),
    "empty object as attribute": _attribute({}),
    "unknown tag": _attribute({"X": "y"}, {"s": "y"}),
    "two tags": _attribute({"S": "x", "N": "1"}),
    "tag with a wrong value": _attribute({"S": 5}, {"S": None}, {"S": ["x"]}, {"BOOL": "true"}),
    "NULL false": _attribute({"NULL": False}),
    "date without a date": _date("12:30", "", "soon", "1772366400"),
    "date cut short": _date("2026", "2026-03", "20260301"),
    "date that does not exist": _date("2026-02-30", "2026-13-01T00:00:00Z", "2026-03-01T25:00:00Z"),
    "date in year 10000": _date("10000-01-01", "10000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"),
}
BAD: dict[str, Maker] = {
    f"bad: {kind}": maker if isinstance(maker, Maker) else Maker(maker) for kind, maker in _KINDS.items()
}
