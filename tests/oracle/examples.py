"""Short made-up change events for tests to start from."""

import json
from typing import Any

BATCH_TIME = "2026-03-05T06:07:08.009Z"
IMAGES: dict[str, dict[str, Any]] = {
    "demand": {
        "type": {"S": "demand"},
        "fanId": {"S": "f1"},
        "eventId": {"S": "e1"},
        "saleId": {"S": "s1"},
        "requestedDateTime": {"S": "2026-03-01T10:00:00Z"},
        "date": {"M": {"requested": {"S": "2026-03-01T10:00:00Z"}}},
    },
    "notification": {
        "type": {"S": "notification"},
        "fanId": {"S": "f1"},
        "eventId": {"S": "e1"},
        "saleId": {"S": "s1"},
        "date": {"M": {"created": {"S": "2026-03-02T10:00:00Z"}}},
    },
    "event": {"type": {"S": "event"}, "id": {"S": "e1"}},
    "sale": {
        "type": {"S": "sale"},
        "id": {"S": "s1"},
        "eventId": {"S": "e1"},
        "saleStartDateTime": {"S": "2026-03-03T10:00:00Z"},
    },
}


def image(type_: str, **attributes: Any) -> dict[str, Any]:
    """A small image of the type, with these attributes set."""
    return IMAGES[type_] | attributes


def dates(**texts: str) -> dict[str, Any]:
    """The attribute `date` with these members."""
    return {"M": {name: {"S": text} for name, text in texts.items()}}


def event(image: Any, name: str = "INSERT", **section: Any) -> bytes:
    """A change event around the image; `section` are further members of `dynamodb`."""
    which = "OldImage" if name == "REMOVE" else "NewImage"
    return json.dumps({"eventName": name, "dynamodb": {which: image, **section}}).encode()
