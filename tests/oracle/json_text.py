"""JSON as people and programs really write it, and as they should not: duplicate keys, odd spaces, raw literals."""

import json
from collections.abc import Iterator
from typing import Any


class Raw(str):
    """Text that goes into the JSON as it is: `Raw("1E3")`, `Raw("NaN")`."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object as its members one after the other, so that a key may come twice."""

    __slots__ = ()


def members(value: Any) -> list[tuple[Any, Any]]:
    """The members of an object with their keys, or of an array with their indexes; nothing of anything else."""
    if isinstance(value, Pairs):
        return list(value)
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def write(value: Any, *, ascii_only: bool = False, space: str = "") -> str:
    """The value as JSON text, with `space` wherever white space may be, non-ASCII escaped if `ascii_only`."""
    return "".join(_parts(value, ascii_only, space))


def _parts(value: Any, ascii_only: bool, space: str) -> Iterator[str]:
    if isinstance(value, Raw):
        yield str(value)
    elif isinstance(value, dict | list):
        is_object = isinstance(value, dict | Pairs)
        yield ("{" if is_object else "[") + space
        for index, (key, member) in enumerate(members(value)):
            yield ("," + space) if index else ""
            yield f"{_string(key, ascii_only)}{space}:{space}" if is_object else ""
            yield from _parts(member, ascii_only, space)
            yield space
        yield "}" if is_object else "]"
    elif isinstance(value, str):
        yield _string(value, ascii_only)
    else:
        yield json.dumps(value)


def _string(text: str, ascii_only: bool) -> str:
    """A JSON string; lone surrogates are always escaped, since no UTF-8 holds them."""
    if ascii_only:
        return json.dumps(text)
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in quoted)
