"""Change events as strict JSON: the one object and nothing else, numbers as they were written."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from tests.oracle.failure import Failure


@dataclass(frozen=True)
class Number:
    """A JSON number, unconverted: no digit is lost and no size is too large."""

    text: str


def parse(data: bytes) -> dict[str, Any]:
    """The object that `data` holds; the last of duplicate keys counts.

    Raises:
        Failure: It is anything but one JSON object in UTF-8 with white space around it.
    """
    if not data.strip():
        raise Failure("empty payload")
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise Failure("not UTF-8") from None
    try:
        value = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse, strict=True)
    except (ValueError, RecursionError):
        raise Failure("not JSON") from None
    if not isinstance(value, dict):
        raise Failure("not an object")
    return value


def has_lone_surrogate(text: str) -> bool:
    """Whether a string came from an escape like `\\ud83d` without its other half, so no UTF-8 can hold it."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
