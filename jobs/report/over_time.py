"""Points in time put together, so that a chart of any span has a few hundred."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from jobs.instants import EPOCH

POINTS = 300
STEPS = [
    *(timedelta(seconds=seconds) for seconds in (1, 10)),
    *(timedelta(minutes=minutes) for minutes in (1, 5, 15)),
    *(timedelta(hours=hours) for hours in (1, 6, 24)),
]


class Stretch(NamedTuple):
    """What was measured from ``start`` on until the next stretch: the middle value, the highest, of how many."""

    start: datetime
    median: float
    highest: float
    points: int


def stretches(points: Sequence[tuple[datetime, float]]) -> list[Stretch]:
    """The points, in stretches of the shortest of ``STEPS`` that makes at most ``POINTS`` of them, or of more days.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> [(one.start.isoformat(), one.highest) for one in stretches([(at, 1.0), (at + timedelta(hours=1), 2.0)])]
    [('2026-03-01T12:00:00+00:00', 1.0), ('2026-03-01T13:00:00+00:00', 2.0)]
    """
    if not points:
        return []
    step = _step(max(time for time, _ in points) - min(time for time, _ in points))
    found: dict[datetime, list[float]] = defaultdict(list)
    for time, value in points:
        found[time - (time - EPOCH) % step].append(value)
    return [
        Stretch(start, median(values), max(values), len(values)) for start, values in sorted(found.items())
    ]


def _step(span: timedelta) -> timedelta:
    days = STEPS[-1] * math.ceil(span / (STEPS[-1] * POINTS))
    return next((step for step in STEPS if span <= step * (POINTS - 1)), days)
