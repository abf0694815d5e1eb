"""What of a shard is archived and what isn't: ranges of its records, and what is left of one without others."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.sources.kinesis.offsets import Position

Cut = tuple[int, float]
"""Where a range ends or begins, between two records of a shard: after which sequence number, and at which instant.

The instant orders cuts between the same two records: a window in which nothing arrived is a window all the same.
"""

BEGINNING: Cut = (-1, 0.0)
# No sequence number has so many digits.
TIP = 10**100
END: Cut = (10**101, 0.0)


@dataclass(frozen=True, order=True)
class Edge:
    """A position of a shard and where that is among the shard's records."""

    cut: Cut
    position: Position = field(compare=False)


@dataclass(frozen=True, order=True)
class Range:
    """The records of a shard between two edges."""

    after: Edge
    to: Edge


def uncovered(wanted: Range, covered: Iterable[Range]) -> list[Range]:
    """The parts of ``wanted`` that no covered range holds, in order; each edge is one of those given.

    >>> def range_(after, to):
    ...     return Range(Edge((after, 0.0), str(after)), Edge((to, 0.0), str(to)))
    >>> gaps = uncovered(range_(10, 50), [range_(30, 40), range_(5, 20), range_(15, 25)])
    >>> [(gap.after.position, gap.to.position) for gap in gaps]
    [('25', '30'), ('40', '50')]
    """
    gaps = []
    at = wanted.after
    for one in sorted(covered):
        if at < one.after and at < wanted.to:
            gaps.append(Range(at, min(wanted.to, one.after)))
        at = max(at, one.to)
    if at < wanted.to:
        gaps.append(Range(at, wanted.to))
    return gaps
