"""Instants as this project writes and reads them: UTC, ISO-8601, milliseconds."""

import re
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)


def iso(instant: datetime) -> str:
    """UTC, ISO-8601, milliseconds (rules, section 3).

    >>> iso(datetime(2026, 3, 1, 12, 34, 56, 789999, tzinfo=UTC))
    '2026-03-01T12:34:56.789Z'
    """
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """The instant of an ISO-8601 date or date-time; without an offset it is UTC. ``ValueError`` for others.

    >>> from_iso("2026-03-01T12:00:00+05:30").isoformat()
    '2026-03-01T06:30:00+00:00'
    """
    if not _ISO.fullmatch(text):
        raise ValueError(f"not an ISO-8601 instant: {text!r}")
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


def from_epoch(value: datetime | float) -> datetime:
    """A timestamp of an AWS answer, whichever way the client parses them."""
    return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)


def now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)
