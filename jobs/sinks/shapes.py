"""What JSON must be like to be a delivery record (docs/archive-layout.md): whoever reads one may rely on it."""

from collections.abc import Mapping
from typing import Any, TypeVar

from jobs.instants import from_iso

T = TypeVar("T")

_MOST = 2**63 - 1


def check_shape(content: Any) -> None:
    """Raise AttributeError, KeyError, TypeError or ValueError where it can't be a delivery record's."""
    for name in ("kind", "queryId", "version"):
        _text(content[name])
    from_iso(content["timestamp"])
    check_number(content["batchId"])
    for number in content["counts"].values():
        check_number(number)
    for delivery in content["deliveries"]:
        _check_object(delivery, "type", "partitionDate")
    for error in content["errors"]:
        _check_object(error, "message")
    _check_source(_of(dict, content["source"]))


def check_number(value: Any) -> None:
    """Raise TypeError or ValueError where it is no count."""
    if not 0 <= _of(int, value) <= _MOST:
        raise ValueError("no count of anything")


def _check_object(one: Mapping[str, Any], *names: str) -> None:
    for name in (*names, "sha256"):
        _text(one[name])
    for name in ("count", "bytes"):
        check_number(one[name])
    for name in ("type", "bucket", "key"):
        _text(one["storage"][name])


def _check_source(source: Mapping[str, Any]) -> None:
    if "shards" in source:
        _text(source["stream"])
    for ranges in (source.get("shards", {}), source.get("lost", {})):
        for moved in ranges.values():
            _position(moved["after"])
            _position(moved["to"])
    check_number(source.get("expired", 0))


def _position(value: Any) -> None:
    if isinstance(value, dict):
        from_iso(value["at"])
    else:
        _text(value)


def _text(value: Any) -> None:
    # A half of a surrogate pair can be written nowhere.
    _of(str, value).encode()


def _of(type_: type[T], value: Any) -> T:
    # Exactly: to Python, true is an integer.
    if type(value) is not type_:
        raise TypeError(f"must be {type_.__name__}")
    return value
