"""Images of made-up demands, notifications, events and sales, in DynamoDB's own JSON."""

from __future__ import annotations

from typing import Any, NamedTuple

from jobs.demo.dice import Dice
from jobs.demo.times import DAY, HOUR, MINUTE, SECOND, iso, spelled

Image = dict[str, Any]

ARTISTS = (
    "Quartz Meridian", "Lumen & the Tidewalkers", "Ødegaard Static", "Paperclip Orchestra", "Vélo Fantôme",
    "The Borrowed Umbrellas", "Kiiro Denki 黄色電気", "Nine Polite Wolves", "Marzipan Riot 🎸", "DJ Spirit Level",
    "Auntie Gravity", "Señor Parallax", "The \"Quoted\" Quartet", "Hallway Weather", "Snowglobe Mutiny", "Tin Opera",
)  # fmt: skip
VENUES = (
    "Lantern Hall",
    "Dock 14",
    "The Velvet Silo",
    "Pier Null Arena",
    "Kulturhaus Süd",
    "Old Observatory",
)
SALE_NAMES = (
    "Fan Presale",
    "General Onsale",
    "Early Bird",
    "VIP Packages",
    "Resale Window",
    "Box Office Release",
)
_METHODS = ("sms", "email", "push")
_DEMANDS = ("remind", "remind", "remind", "waitlist", "price-drop")
_GREETINGS = ("Good news!", "Hello!", "Heads up:", "It is nearly time 🎟️", "Psst…")


class Item(NamedTuple):
    """One item of the imagined table: its type, its key, its present image and when it was made (ms since 1970)."""

    type: str
    keys: Image
    image: Image
    born: int


def event(dice: Dice, now: int) -> Item:
    """A new event some weeks ahead."""
    artist, begin = dice.pick(ARTISTS), now + dice.below(180) * DAY + 20 * HOUR
    event_id = "E" + dice.hex(10)
    keys = {"pk": {"S": f"EVENT#{event_id}"}, "sk": {"S": "EVENT"}}
    image: Image = {
        **keys,
        "type": {"S": "event"},
        "id": {"S": event_id},
        "name": {"S": f"{artist} at {dice.pick(VENUES)}"},
        "eventDate": {"M": {"start": _moment(begin), "end": _moment(begin + 3 * HOUR)}},
        "date": {"M": {"firstSeen": {"S": spelled(now, dice)}, "updated": {"S": iso(now)}}},
        "artist": {"M": {"id": {"S": "A" + dice.hex(6)}, "name": {"S": artist}}},
    }
    if dice.roll() < 0.3:
        image["priceRanges"] = {
            "L": [{"M": {"currency": {"S": "EUR"}, "from": {"N": str(20 + dice.below(80))}}}]
        }
    return Item("event", keys, image, now)


def sale(dice: Dice, now: int, of: Image) -> Item:
    """A new sale of the event whose image is `of`."""
    sale_id, event_id = "S" + dice.hex(8), of["id"]["S"]
    keys = {"pk": {"S": f"EVENT#{event_id}"}, "sk": {"S": f"SALE#{sale_id}"}}
    image: Image = {
        **keys,
        "type": {"S": "sale"},
        "id": {"S": sale_id},
        "eventId": {"S": event_id},
        "name": {"S": dice.pick(SALE_NAMES)},
        "saleStartDateTime": {"S": spelled(now + dice.below(10) * DAY + dice.below(24) * HOUR, dice)},
        "channels": {"SS": ["app", "web"]},
        "seats": {"NS": ["120", "4500", "1.5E+3"]},
    }
    return Item("sale", keys, image, now)


def demand(dice: Dice, now: int, of: Image, requested: int) -> Item:
    """A new demand of a made-up fan for the sale whose image is `of`, asked for at `requested`."""
    fan, event_id, sale_id = "fan-" + dice.hex(12), of["eventId"]["S"], of["id"]["S"]
    artist = ARTISTS[int(event_id[1:5], 16) % len(ARTISTS)]
    keys = {"pk": {"S": f"FAN#{fan}"}, "sk": {"S": f"DEMAND#{event_id}#{sale_id}"}}
    image: Image = {
        **keys,
        "type": {"S": "demand"},
        "fanId": {"S": fan},
        "eventId": {"S": event_id},
        "saleId": {"S": sale_id},
        "requestedDateTime": {"S": iso(requested)},
        **_contact(dice, fan),
        "contactMethod": {"S": dice.pick(_METHODS)},
        "demandType": {"S": dice.pick(_DEMANDS)},
        "date": {"M": {"requested": {"S": spelled(requested, dice)}}},
    }
    if dice.roll() < 0.4:
        image.update(
            artistId={"S": f"A{event_id[1:7]}"}, artistName={"S": artist}, eventName={"S": f"{artist} live"}
        )
    if dice.roll() < 0.4:
        image["saleName"] = of.get("name", {"NULL": True})
    if dice.roll() < 0.3:
        image["systemUserId"] = {"S": f"tix-{dice.pick('abc')}.db{dice.below(9)}.{dice.below(10**7)}"}
    if dice.roll() < 0.08:
        image.update(_extras(dice, now))
    return Item("demand", keys, image, now)


def notification(dice: Dice, now: int, of: Image) -> Item:
    """A new message to the fan of the demand whose image is `of`."""
    fan, event_id, sale_id = of["fanId"]["S"], of["eventId"]["S"], of["saleId"]["S"]
    keys = {"pk": {"S": f"FAN#{fan}"}, "sk": {"S": f"NOTIFICATION#{event_id}#{sale_id}#{now}"}}
    image: Image = {
        **keys,
        "type": {"S": "notification"},
        "fanId": {"S": fan},
        "eventId": {"S": event_id},
        "saleId": {"S": sale_id},
        "messageBody": {
            "S": f"{dice.pick(_GREETINGS)} Your tickets go on sale soon: "
            f"https://tickets.example.com/{sale_id}\nReply STOP to hear no more."
        },
        **_contact(dice, fan),
        "date": {"M": {"created": {"S": spelled(now, dice)}}},
        "attempts": {"N": str(1 + dice.below(3))},
    }
    if "saleName" in of:
        image["saleName"] = of["saleName"]
    return Item("notification", keys, image, now)


def _moment(instant: int) -> Image:
    text = iso(instant)
    return {"M": {"dateTime": {"S": text}, "localDate": {"S": text[:10]}}}


def _contact(dice: Dice, fan: str) -> Image:
    """A phone, a mail address, both or (seldom) neither; a missing one may be there as NULL."""
    phone, email = {"S": f"+1555{dice.below(10**7):07d}"}, {"S": f"{fan}@example.com"}
    way = dice.roll()
    if way < 0.55:
        return {"phoneNumber": phone, "email": email}
    if way < 0.8:
        return {"phoneNumber": phone}
    if way < 0.9:
        return {"phoneNumber": {"NULL": True}, "email": email}
    return {"email": email} if way < 0.98 else {}


def _extras(dice: Dice, now: int) -> Image:
    """Attributes of all ten DynamoDB types that no schema names."""
    return {
        "expiresAt": {"N": str((now + 90 * DAY) // SECOND)},
        "token": {"B": "3q2+7w=="},
        "consent": {"BOOL": dice.roll() < 0.5},
        "tags": {"SS": ["vip", "früh"]},
        "scores": {"NS": ["-1.5", "3E-7"]},
        "blobs": {"BS": ["AAE=", "AgM="]},
        "history": {"L": [{"S": iso(now - MINUTE)}, {"N": "1"}, {"NULL": True}, {"L": []}]},
        "device": {"M": {"os": {"S": "phoneOS 4"}, "ratio": {"N": "0.1000000000000000055511151231257827"}}},
    }
