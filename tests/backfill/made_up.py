"""Made-up change events, and the images of such."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from jobs.demo.generator import events

HUGE = 10_000


class Images(NamedTuple):
    """The images of a change; None where it has none."""

    new: dict[str, Any] | None
    old: dict[str, Any] | None


def event_lines(seed: int, count: int) -> list[bytes]:
    """Change events, broken ones among them, of which each fits a line."""
    payloads = (change.data for change in events(seed, count, bad_share=0.1))
    lines = (data for data in payloads if data and data == data.strip() and b"\n" not in data)
    return [line for line in lines if len(line) < HUGE]


def images(seed: int, count: int) -> Iterator[Images]:
    """The images of made-up changes whose images are maps."""
    for change in events(seed, count, bad_share=0.1):
        if len(change.data) >= HUGE:
            continue
        try:
            found = json.loads(change.data)["dynamodb"]
        except (ValueError, KeyError, TypeError):
            continue
        if not isinstance(found, dict):
            continue
        new, old = (
            found.get(name) if isinstance(found.get(name), dict) else None
            for name in ("NewImage", "OldImage")
        )
        if new or old:
            yield Images(new, old)


def items(seed: int, count: int) -> list[dict[str, Any]]:
    """Items as a full export holds them, some of which can't be archived."""
    return [each.new for each in images(seed, count) if each.new]
