"""Several objects at a time, no more than fit into memory together."""

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any

FETCHERS = 8
WINDOW_BYTES = 64 << 20
_UNKNOWN_BYTES = 8 << 20


def windows(
    rows: Iterable[Any], size_of: Callable[[Any], int | None] = attrgetter("bytes")
) -> Iterator[list[Any]]:
    """The rows in their order, some at a time: as many as ``FETCHERS`` fetch at once and as fit, by their ``bytes``.

    >>> from collections import namedtuple
    >>> Row = namedtuple("Row", "key bytes")
    >>> [[row.key for row in some] for some in windows([Row("a", 10), Row("b", WINDOW_BYTES), Row("c", None)])]
    [['a'], ['b'], ['c']]
    """
    window: list[Any] = []
    size = 0
    for row in rows:
        more = size_of(row) or _UNKNOWN_BYTES
        if window and (len(window) == FETCHERS or size + more > WINDOW_BYTES):
            yield window
            window, size = [], 0
        window.append(row)
        size += more
    if window:
        yield window
