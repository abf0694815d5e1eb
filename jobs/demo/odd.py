"""Makers of change events that look odd but are legal: every one of them must be archived."""

from __future__ import annotations

import json
from typing import Any

from jobs.demo.broken import OPTIONAL, PARTITION_DATE, Make, Maker, copy, edited, image_of, place
from jobs.demo.dice import Dice
from jobs.demo.envelopes import Event, encode

MEGABYTE = 1 << 20
_ROOM_FOR_THE_KEY = 256
_NUMBERS = (
    "12345678901234567890123456789012345678",
    "-9.9999999999999999999999999999999999999E+125",
    "1E-130",
)


def _nested(levels: int) -> Any:
    value: Any = {"S": "the bottom"}
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {"down": value}}
    return value


def _megabyte(event: Event, _dice: Dice) -> bytes:
    """As large as a Kinesis record may be, most of it in an attribute that no schema names."""
    event = copy(event)
    event["dynamodb"].pop("OldImage" if event["eventName"] == "MODIFY" else "", None)
    image_of(event)["attachment"] = {"S": ""}
    missing = MEGABYTE - _ROOM_FOR_THE_KEY - len(encode(event))
    image_of(event)["attachment"] = {"S": "x" * missing}
    return encode(event)


def _duplicate_keys(event: Event, _dice: Dice) -> bytes:
    """The first of two equal keys is nonsense: the last one counts."""
    text = encode(event)
    return text.replace(b'"eventName":', b'"eventName":"NONSENSE","eventName":', 1).replace(
        b'"type":{', b'"type":{"S":"nonsense"},"type":{', 2
    )


def _attribute(name: str, *choices: Any) -> Make:
    return edited(lambda _event, image, dice: image.update({name: dice.pick(choices)}))


def _optional(value: Any) -> Make:
    """The value at an optional attribute at the top of the image."""

    def make(event: Event, dice: Dice) -> bytes:
        event = copy(event)
        image = image_of(event)
        place(image, dice.pick([path for path in OPTIONAL[image["type"]["S"]] if len(path) == 1]), value)
        return encode(event)

    return make


def _created(*choices: Any, precision: str = "") -> Make:
    """Another ApproximateCreationDateTime."""

    def make(event: Event, dice: Dice) -> bytes:
        event = copy(event)
        event["dynamodb"].pop("ApproximateCreationDateTimePrecision", None)
        event["dynamodb"]["ApproximateCreationDateTime"] = dice.pick(choices)
        if precision:
            event["dynamodb"]["ApproximateCreationDateTimePrecision"] = precision
        return encode(event)

    return make


def _partition_date(*choices: str) -> Make:
    return edited(
        lambda _event, image, dice: place(
            image, PARTITION_DATE[image["type"]["S"]], {"S": dice.pick(choices)}
        )
    )


_KINDS: dict[str, Make | Maker] = {
    "32 levels deep": _attribute("deep", _nested(32)),
    "duplicate keys": _duplicate_keys,
    "pretty-printed": lambda event, _dice: json.dumps(event, indent=2, ensure_ascii=False).encode(),
    "white space around": lambda event, _dice: b"\r\n\t " + encode(event) + b" \n\n",
    "all escaped": lambda event, _dice: json.dumps(event).encode(),
    "emoji": _optional({"S": "👩‍🎤 🎫 \U0001f9a6"}),
    "U+2028 and friends": _optional({"S": "line\u2028paragraph\u2029next\u0085\ufeff end"}),
    "escaped NUL": _optional({"S": "a\x00b"}),
    "empty string": _optional({"S": ""}),
    "NULL on an optional attribute": _optional({"NULL": True}),
    "isDeleted false": _attribute("isDeleted", {"BOOL": False}),
    "isDeleted true": _attribute("isDeleted", {"BOOL": True}),
    "unknown attributes": _attribute(
        "unknown", {"N": _NUMBERS[0]}, {"NS": list(_NUMBERS)}, {"X": 1}, None, [7]
    ),
    "our own attributes in the image": edited(
        lambda _event, image, _dice: image.update(
            reference={"S": "mine"}, system={"N": "1"}, change={"M": {"id": {"S": "made up"}}}
        )
    ),
    "creation time in seconds": _created(1772366400, 1772366400.5),
    "creation time in milliseconds": _created(1772366400123, precision="MILLISECOND"),
    "creation time in microseconds": _created(1772366400123456),
    "no creation time": edited(
        lambda event, _image, _dice: event["dynamodb"].pop("ApproximateCreationDateTime")
    ),
    "offset that changes the date": _partition_date("2026-03-02T04:00:00+05:30", "2026-03-01T20:30:00-08:00"),
    "date without a time": _partition_date("2026-03-02"),
    "nine digits of a second": _partition_date("2026-03-02T23:59:59.999999999Z"),
    "systemUserId of another form": Maker(
        _attribute("systemUserId", {"S": "legacy-7"}, {"S": "a..c"}), "demand"
    ),
    "nothing optional": edited(
        lambda _event, image, _dice: [
            image.pop(path[0], None) for path in OPTIONAL[image["type"]["S"]] if len(path) == 1
        ]
    ),
}
ODD: dict[str, Maker] = {
    f"odd: {kind}": maker if isinstance(maker, Maker) else Maker(maker) for kind, maker in _KINDS.items()
}
HUGE: dict[str, Maker] = {"odd: a record of 1 MiB": Maker(_megabyte)}
