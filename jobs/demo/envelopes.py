"""The two shapes in which a change event reaches the stream, and their bytes."""

from __future__ import annotations

from json import JSONEncoder
from typing import Any

from jobs.demo.dice import Dice
from jobs.demo.images import Image, Item
from jobs.demo.times import SECOND

Event = dict[str, Any]

TTL_SERVICE = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
_TABLE = "fan-demand"
_REGION = "eu-west-1"
_ARN = f"arn:aws:dynamodb:{_REGION}:555500000001:table/{_TABLE}/stream/2026-02-01T00:00:00.000"

encode_text = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(event: Event) -> bytes:
    """The event as compact UTF-8 JSON."""
    return encode_text(event).encode()


def envelope(dice: Dice, name: str, item: Item, old: Image | None, now: int, by_ttl: bool = False) -> Event:
    """The change event `name` (INSERT, MODIFY, REMOVE) of `item` at `now`, in one of the two shapes.

    `old` is the image before a MODIFY. `by_ttl` marks a deletion by DynamoDB's time to live.
    """
    shape = _streaming_destination if dice.roll() < 0.8 else _lambda_stream
    return shape(dice, name, item, old, now, TTL_SERVICE if by_ttl else None)


def _images(name: str, item: Item, old: Image | None) -> Event:
    if name == "INSERT":
        return {"NewImage": item.image}
    return {"OldImage": item.image} if name == "REMOVE" else {"NewImage": item.image, "OldImage": old}


def _streaming_destination(
    dice: Dice, name: str, item: Item, old: Image | None, now: int, who: Event | None
) -> Event:
    """As DynamoDB's own Kinesis destination writes it."""
    micros = dice.roll() < 0.5
    return {
        "awsRegion": _REGION,
        "eventID": dice.uuid(),
        "eventName": name,
        "userIdentity": who,
        "recordFormat": "application/json",
        "tableName": _TABLE,
        "dynamodb": {
            "ApproximateCreationDateTime": now * 1000 + dice.below(1000) if micros else now,
            **({"ApproximateCreationDateTimePrecision": "MICROSECOND"} if micros else {}),
            "Keys": item.keys,
            **_images(name, item, old),
            "SizeBytes": 400 + dice.below(600),
        },
        "eventSource": "aws:dynamodb",
    }


def _lambda_stream(
    dice: Dice, name: str, item: Item, old: Image | None, now: int, who: Event | None
) -> Event:
    """As DynamoDB Streams hands it to a Lambda, which then put it on the stream."""
    return {
        "eventID": dice.hex(12) + dice.hex(12) + dice.hex(8),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": _REGION,
        "eventName": name,
        "dynamodb": {
            "ApproximateCreationDateTime": now // SECOND,
            "Keys": item.keys,
            **_images(name, item, old),
            "SequenceNumber": f"{100000000000 + dice.below(10**11)}",
            "SizeBytes": 400 + dice.below(600),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": _ARN,
        **({"userIdentity": who} if who else {}),
    }
