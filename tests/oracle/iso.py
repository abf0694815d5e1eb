"""Dates as the rules allow them (section 3), to the nanosecond, and the times that we make ourselves."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?)?"
)
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS = 10**9
_FOUR_YEARS = timedelta(days=4 * 365 + 1)
_FIRST = (datetime(1, 1, 1) - _EPOCH) // timedelta(seconds=1)
_LAST = (datetime(9999, 12, 31, 23, 59, 59) - _EPOCH) // timedelta(seconds=1)
_UNITS = {"MILLISECOND": 3, "MICROSECOND": 6}


def instant(text: str) -> int | None:
    """Nanoseconds since 1970 of an ISO-8601 date or date-time (UTC where it has no offset); None for anything else.

    None as well where the instant, in UTC, lies outside the years 1 to 9999.
    """
    match = _DATE.fullmatch(text)
    if not match:
        return None
    numbers = [int(group or 0) for group in match.groups()[:6]]
    # Python has no year 0; it is as long as the year 4, and an offset can lead out of it.
    shift = _FOUR_YEARS if numbers[0] == 0 else timedelta()
    try:
        whole = (datetime(numbers[0] or 4, *numbers[1:]) - _EPOCH - shift) // timedelta(seconds=1)  # type: ignore[arg-type]
    except ValueError:
        return None
    offset_hours, offset_minutes = int(match[9] or 0), int(match[10] or 0)
    if offset_minutes > 59 or offset_hours * 60 + offset_minutes > 18 * 60:
        return None
    offset = (offset_hours * 60 + offset_minutes) * 60 * (-1 if match[8] == "-" else 1)
    if not _FIRST <= whole - offset <= _LAST:
        return None
    return (whole - offset) * _NANOS + int((match[7] or "0").ljust(9, "0"))


def utc_date(text: str) -> str | None:
    """The UTC date (YYYY-MM-DD) of an ISO-8601 string; None where it is none."""
    moment = instant(text)
    if moment is None:
        return None
    return (_EPOCH + timedelta(seconds=moment // _NANOS)).date().isoformat()


def creation_micros(number: str, precision: object) -> int | None:
    """ApproximateCreationDateTime in microseconds since 1970, rounded down (rules, section 1); None if it is no time."""
    try:
        value = Decimal(number)
        seconds_digits = 0 if value < Decimal("1e11") else 3 if value < Decimal("1e14") else 6
        digits = _UNITS.get(precision, seconds_digits) if isinstance(precision, str) else seconds_digits
        return int((value.scaleb(6 - digits)).to_integral_value("ROUND_FLOOR"))
    except (InvalidOperation, OverflowError):
        return None


def with_micros(micros: int) -> str | None:
    """`2026-03-01T12:34:56.789123Z`; None where the year has not four digits."""
    try:
        moment = _EPOCH_UTC + timedelta(microseconds=micros)
    except OverflowError:
        return None
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def with_millis(micros: int) -> str | None:
    """`2026-03-01T12:34:56.789Z`, rounded down; None where the year has not four digits."""
    text = with_micros(micros)
    return text and text[:-4] + "Z"
