"""Times of changes and the date strings of records."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from math import floor
from typing import Any

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET = r"[+-](?:(?:0[0-9]|1[0-7]):[0-5][0-9]|18:00)"
_form = re.compile(rf"({_DAY})(?:T{_TIME}(\.[0-9]{{1,9}})?(?:Z|({_OFFSET}))?)?").fullmatch


def creation_micros(created: Any, precision: Any) -> int | None:
    """ApproximateCreationDateTime in microseconds since 1970; None where it is no number."""
    if type(created) is not int and type(created) is not float:
        return None
    if precision == "MICROSECOND":
        return floor(created)
    if precision == "MILLISECOND" or 10**11 <= created < 10**14:
        return floor(created * 1000)
    return floor(created * 1_000_000 if created < 10**11 else created)


def iso_millis(micros: int) -> str:
    """``2026-03-01T12:34:56.789Z``."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_clock(seconds)}.{rest // 1000:03d}Z"


def iso_micros(micros: int) -> str:
    """``2026-03-01T12:34:56.789123Z``."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_clock(seconds)}.{rest:06d}Z"


@lru_cache(maxsize=1 << 16)
def _clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def utc_date(text: str) -> str | None:
    """The UTC date of an ISO-8601 string, YYYY-MM-DD; None where it is none."""
    match = _form(text)
    if not match or not _exists(match[1]):
        return None
    if not match[3]:
        return match[1]
    moment = instant(text)
    return moment[0].date().isoformat() if moment else None


@lru_cache(maxsize=1 << 12)
def _exists(day: str) -> bool:
    try:
        datetime.fromisoformat(day)
    except ValueError:
        return False
    return True


def instant(text: str) -> tuple[datetime, str] | None:
    """The instant to the second in UTC, and its fraction in nine digits; None where the text is no ISO-8601 date."""
    match = _form(text)
    if not match or not _exists(match[1]):
        return None
    try:
        moment = datetime.fromisoformat(text[:19] + (match[3] or "+00:00" if len(text) > 10 else ""))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
    return moment, (match[2] or ".")[1:].ljust(9, "0")
