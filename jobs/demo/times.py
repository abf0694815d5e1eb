"""Instants as milliseconds since 1970 (UTC), and the ways in which records spell them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from jobs.demo.dice import Dice

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = int(datetime(2026, 3, 1, 8, tzinfo=UTC).timestamp()) * SECOND
_EPOCH = date(1970, 1, 1)
_OFFSETS = (("+05:30", 330), ("-08:00", -480), ("+01:00", 60), ("+13:45", 825), ("-03:30", -210))


@lru_cache(maxsize=4096)
def day_of(days: int) -> str:
    """The date that is `days` days after 1970-01-01, as YYYY-MM-DD."""
    return (_EPOCH + timedelta(days=days)).isoformat()


def iso(instant: int) -> str:
    """The instant in UTC with milliseconds: `2026-03-01T12:34:56.789Z`."""
    seconds, milliseconds = divmod(instant, SECOND)
    return f"{clock(seconds)}.{milliseconds:03d}Z"


def clock(seconds: int) -> str:
    """A date and a time of day without an offset: `2026-03-01T12:34:56`."""
    days, rest = divmod(seconds, 86400)
    return f"{day_of(days)}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def with_offset(instant: int, offset: str, minutes: int) -> str:
    """The instant as a clock shows it where UTC is `minutes` behind: `2026-03-01T18:04:56+05:30`."""
    return clock(instant // SECOND + minutes * 60) + offset


def spelled(instant: int, dice: Dice) -> str:
    """The instant as a record may hold it: mostly as `iso`, now and then without a fraction or with an offset."""
    if dice.roll() < 0.93:
        return iso(instant)
    way = dice.below(4)
    if way == 0:
        return with_offset(instant, *dice.pick(_OFFSETS))
    if way == 1:
        return clock(instant // SECOND) + "Z"
    if way == 2:
        return clock(instant // SECOND)
    return f"{clock(instant // SECOND)}.{instant % SECOND:03d}{dice.below(10**6):06d}Z"
