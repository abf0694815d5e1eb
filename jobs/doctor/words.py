"""Spans of time in words."""

from datetime import timedelta

_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def in_words(span: timedelta) -> str:
    """A span in its largest unit, rounded down, where there are two of it at least.

    >>> [in_words(timedelta(seconds=n)) for n in (0.4, 59, 119, 150, 90000, 200000, -5)]
    ['0 seconds', '59 seconds', '119 seconds', '2 minutes', '25 hours', '2 days', '0 seconds']
    """
    for unit, length in _UNITS:
        if span >= 2 * length:
            return f"{span // length} {unit}s"
    return f"{max(0, int(span.total_seconds()))} seconds"
