"""Whether batch follows batch in every shard, without a gap and without reading anything twice."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from jobs.instants import from_iso
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Position, instant_of, is_sequence, reached
from jobs.verify.findings import Finding
from jobs.verify.records import ReadRange, told


def check_positions(ranges: Iterable[Any]) -> Iterator[Finding]:
    """Gaps, overlaps and restarts, of ``ReadRange``s in order of stream, shard, the queries' beginnings, query and batch.

    Of a shard, those that backfills read come before those of the stream's queries.
    """
    for _, of_shard in groupby(ranges, key=lambda one: (one.stream, one.shard)):
        yield from _check_shard(of_shard)


@dataclass
class Numbers:
    """Which numbers were read, as ranges that aren't empty, without the first and with the last; what overlaps is one."""

    afters: list[int] = field(default_factory=list)
    tos: list[int] = field(default_factory=list)

    def has(self, after: int, to: int) -> bool:
        """Whether some of a range was."""
        return bool(self.afters[self._overlapping(after, to)])

    def add(self, after: int, to: int) -> None:
        """A range was."""
        where = self._overlapping(after, to)
        self.afters[where] = [min([after, *self.afters[where]])]
        self.tos[where] = [max([to, *self.tos[where]])]

    def _overlapping(self, after: int, to: int) -> slice:
        first = bisect_right(self.tos, after)
        return slice(first, max(first, bisect_left(self.afters, to)))


@dataclass
class Backfilled:
    """What backfills read of a shard: as ``steps`` from position to position, and as ``numbers``, as far as that is known.

    Of two ``numbers`` the first was not read, the second was. ``ends`` are the records up to which backfills read, with
    the latest time at which a run that did had begun.
    """

    steps: dict[str, set[str]] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=Numbers)
    ends: dict[int, str] = field(default_factory=dict)

    def add(self, one: ReadRange) -> bool:
        """Take in a range; whether some of it is certain to have been read already, by another backfill."""
        self.steps.setdefault(one.after, set()).add(one.to)
        numbers = _numbers(one)
        if numbers is None:
            return False
        twice = self.numbers.has(*numbers)
        self.numbers.add(*numbers)
        self.ends[numbers[1]] = max(one.timestamp, self.ends.get(numbers[1], ""))
        return twice

    def has_read(self, one: ReadRange) -> bool:
        """Whether some of the range is certain to have been read by a backfill too."""
        numbers = _numbers(one)
        return numbers is not None and (self.numbers.has(*numbers) or self._has_found(one, numbers[1]))

    def _has_found(self, one: ReadRange, to: int) -> bool:
        """Whether the range began with all that the shard held, and a later backfill still found a record of that.

        ``to`` is the number up to which the range was read.
        """
        if position_of(one.after) != TRIM_HORIZON:
            return False
        return any(end <= to and begun >= one.timestamp for end, begun in self.ends.items())

    def fills(self, after: str, to: str) -> bool:
        """Whether steps lead from one position to the other, each beginning where another ends."""
        seen, ahead = {after}, [after]
        while ahead:
            found = self.steps.get(ahead.pop(), set()) - seen
            seen |= found
            ahead += found
        return to in seen

    def leading_to(self, to: str) -> set[str]:
        """The positions from which steps lead there."""
        return {after for after in self.steps if self.fills(after, to)}


def _numbers(one: ReadRange) -> tuple[int, int] | None:
    """The records that the range is certain to hold, as ``Backfilled.numbers``; None where there may be none.

    A number up to which was read is a record, wherever reading began. Up to an instant or a shard's end there may be none.
    """
    after, to = position_of(one.after), position_of(one.to)
    if not is_sequence(to):
        return None
    numbers = int(after) if is_sequence(after) else int(to) - 1, int(to)
    return numbers if numbers[0] < numbers[1] else None


def _check_shard(ranges: Iterable[ReadRange]) -> Iterator[Finding]:
    last: ReadRange | None = None
    furthest: ReadRange | None = None
    backfilled = Backfilled()
    for one in ranges:
        if one.kind != "stream":
            if backfilled.add(one):
                yield _read_twice(one)
            continue
        if backfilled.has_read(one):
            yield _read_twice(one)
        goes_on = last is not None and last.query_id == one.query_id
        if not goes_on:
            furthest = _further(furthest, last)
        before = last if goes_on else furthest
        if before is not None and not backfilled.fills(before.to, one.after):
            yield from (_check_next if goes_on else _check_new_query)(before, one)
        # Two batches of one number may follow each other in any order.
        last = _further(last, one) if goes_on else one


def _read_twice(one: ReadRange) -> Finding:
    detail = f"shard {one.shard} of stream {one.stream}: a backfill and batch {one.batch_id} of {one.query_id} both read some of it"
    return Finding("overlap", one.key, 1, detail)


def _further(one: ReadRange | None, other: ReadRange | None) -> ReadRange | None:
    if one is None or other is None:
        return one or other
    return one if reached(position_of(one.to), position_of(other.to)) else other


def _check_next(before: ReadRange, one: ReadRange) -> Iterator[Finding]:
    """A batch must go on where the one before it ended."""
    end, after = position_of(before.to), position_of(one.after)
    if after == end:
        return
    kind = "gap" if reached(after, end) else "overlap"
    yield Finding(
        kind,
        one.key,
        1,
        f"shard {one.shard} of stream {one.stream}: batch {before.batch_id} of query {one.query_id} ends at {told(end)}, "
        f"but batch {one.batch_id} begins after {told(after)}",
    )


def _check_new_query(before: ReadRange, one: ReadRange) -> Iterator[Finding]:
    """Another query must go on where the earlier ones ended; where it began by time, that can't be seen."""
    end, after, to = position_of(before.to), position_of(one.after), position_of(one.to)
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
        f"shard {one.shard} of stream {one.stream}: query {before.query_id} had read to {told(end)} in its batch of "
        f"{before.timestamp}, and query {one.query_id} began at {told(after)} in its batch of {one.timestamp}",
    )


def _finds_nothing_left(before: ReadRange, after: Position) -> bool:
    """Whether a start by time lies after the end of a shard that was read to its end."""
    begins = instant_of(after)
    return position_of(before.to) == SHARD_END and begins is not None and begins > from_iso(before.timestamp)


def is_number(text: str) -> bool:
    """Whether a position of a ``ReadRange`` is a sequence number."""
    return is_sequence(position_of(text))


def position_of(text: str) -> Position:
    """A position of a ``ReadRange``."""
    position: Position = json.loads(text)
    return position
