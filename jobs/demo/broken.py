"""What the makers of bad and odd change events have in common: copies to break, and where a record's attributes are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from jobs.demo.dice import Dice
from jobs.demo.envelopes import Event, encode
from jobs.demo.images import Image

Make = Callable[[Event, Dice], bytes]
Path = tuple[str, ...]


class Maker(NamedTuple):
    """Turns an ordinary change event (of `type`, where that matters) into the bytes of a bad or an odd one."""

    make: Make
    type: str = ""


REQUIRED: dict[str, tuple[Path, ...]] = {
    "demand": (
        ("fanId",),
        ("eventId",),
        ("saleId",),
        ("requestedDateTime",),
        ("date",),
        ("date", "requested"),
    ),
    "notification": (("fanId",), ("eventId",), ("saleId",), ("date",), ("date", "created")),
    "event": (("id",),),
    "sale": (("id",), ("eventId",), ("saleStartDateTime",)),
}
OPTIONAL: dict[str, tuple[Path, ...]] = {
    "demand": (
        ("artistId",), ("eventName",), ("saleName",), ("artistName",), ("phoneNumber",), ("email",), ("contactMethod",),
        ("demandType",), ("date", "triggered"), ("date", "notified"), ("date", "deleted"), ("systemUserId",),
    ),
    "notification": (
        ("saleName",), ("messageBody",), ("phoneNumber",), ("email",), ("date", "updated"), ("date", "deleted"),
    ),
    "event": (("name",), ("date", "firstSeen"), ("date", "deleted"), ("eventDate", "start", "dateTime")),
    "sale": (("name",),),
}  # fmt: skip
PARTITION_DATE: dict[str, Path] = {
    "demand": ("date", "requested"),
    "notification": ("date", "created"),
    "event": ("date", "firstSeen"),
    "sale": ("saleStartDateTime",),
}


def copy(event: Event) -> Event:
    """A deep copy, free to be changed."""
    copied: Event = json.loads(encode(event))
    return copied


def image_of(event: Event) -> Image:
    """The image that the archive reads (BR-001)."""
    image: Image = event["dynamodb"]["OldImage" if event["eventName"] == "REMOVE" else "NewImage"]
    return image


def type_of(event: Event) -> str:
    """The record's type."""
    type_: str = image_of(event)["type"]["S"]
    return type_


def place(image: Image, path: Path, value: Any) -> None:
    """Put the attribute `value` at `path`; maps on the way that are not there are made."""
    for name in path[:-1]:
        image = image.setdefault(name, {"M": {}})["M"]
    image[path[-1]] = value


def remove(image: Image, path: Path) -> None:
    """Take the attribute at `path` away."""
    for name in path[:-1]:
        image = image[name]["M"]
    image.pop(path[-1], None)


def edited(change: Callable[[Event, Image, Dice], object]) -> Make:
    """A maker that lets `change` alter a copy of the event and its image, then encodes it."""

    def make(event: Event, dice: Dice) -> bytes:
        event = copy(event)
        change(event, image_of(event), dice)
        return encode(event)

    return make
