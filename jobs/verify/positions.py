"""Whether batch follows batch in every shard, without a gap and without reading anything twice."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from jobs.instants import from_iso
from jobs.sources.kinesis.offsets import SHARD_END, Position, instant_of, is_sequence, reached
from jobs.verify.findings import Finding
from jobs.verify.records import ReadRange


def check_positions(ranges: Iterable[Any]) -> Iterator[Finding]:
    """Gaps, overlaps and restarts, of ``ReadRange``s in order of stream, shard, the queries' beginnings, query and batch."""
    for _, of_shard in groupby(ranges, key=lambda one: (one.stream, one.shard)):
        yield from _check_shard(of_shard)


def _check_shard(ranges: Iterable[ReadRange]) -> Iterator[Finding]:
    last: ReadRange | None = None
    furthest: ReadRange | None = None
    for one in ranges:
        if last is not None and last.query_id == one.query_id:
            yield from _check_next(last, one)
        else:
            furthest = _further(furthest, last)
            if furthest is not None:
                yield from _check_new_query(furthest, one)
        last = one


def _further(one: ReadRange | None, other: ReadRange | None) -> ReadRange | None:
    if one is None or other is None:
        return one or other
    return one if reached(_position(one.to), _position(other.to)) else other


def _check_next(before: ReadRange, one: ReadRange) -> Iterator[Finding]:
    """A batch must go on where the one before it ended."""
    end, after = _position(before.to), _position(one.after)
    if after == end:
        return
    kind = "gap" if reached(after, end) else "overlap"
    yield Finding(
        kind,
        one.key,
        1,
        f"shard {one.shard} of stream {one.stream}: batch {before.batch_id} of query {one.query_id} ends at {_told(end)}, "
        f"but batch {one.batch_id} begins after {_told(after)}",
    )


def _check_new_query(before: ReadRange, one: ReadRange) -> Iterator[Finding]:
    """Another query must go on where the earlier ones ended; where it began by time, that can't be seen."""
    end, after, to = _position(before.to), _position(one.after), _position(one.to)
    if after == end or _finds_nothing_left(before, after):
        return
    kind = "restart"
    if is_sequence(after):
        kind = "gap" if reached(after, end) else "overlap"
    elif is_sequence(to) and reached(end, to):
        kind = "overlap"
    yield Finding(
        kind,
        one.key,
        1,
        f"shard {one.shard} of stream {one.stream}: query {before.query_id} had read to {_told(end)} in its batch of "
        f"{before.timestamp}, and query {one.query_id} began at {_told(after)} in its batch of {one.timestamp}",
    )


def _finds_nothing_left(before: ReadRange, after: Position) -> bool:
    """Whether a start by time lies after the end of a shard that was read to its end."""
    begins = instant_of(after)
    return _position(before.to) == SHARD_END and begins is not None and begins > from_iso(before.timestamp)


def _position(text: str) -> Position:
    position: Position = json.loads(text)
    return position


def _told(position: Any) -> str:
    return position["at"] if isinstance(position, dict) else str(position)
