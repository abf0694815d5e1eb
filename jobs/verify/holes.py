"""Batches without a delivery record, and whether backfills have archived what they read."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from jobs.sources.kinesis.offsets import SHARD_END
from jobs.verify.findings import Finding
from jobs.verify.positions import Backfilled, is_number, position_of
from jobs.verify.records import ReadRange


class Hole(NamedTuple):
    """Batches that a query or run lacks: those between ``before`` (-1: its beginning) and ``next``.

    ``key`` is where the record of ``next`` is, or, of batches at the end, where the last one's would be.
    """

    query_id: str
    before: int
    next: int
    key: str
    kind: str = "stream"

    @property
    def finding(self) -> Finding:
        """What there is to tell."""
        first, last = self.before + 1, self.next - 1
        batch, batches, query = (
            ("batch", "batches", "query") if self.kind == "stream" else ("step", "steps", "run")
        )
        which = f"{batch} {first}" if first == last else f"{batches} {first} to {last}"
        verb = "has" if first == last else "have"
        return Finding(
            "gap", self.key, last - first + 1, f"{which} of {query} {self.query_id} {verb} no delivery record"
        )


class Seen(StrEnum):
    """What a shard shows of a hole.

    Its position was the same before and after, a backfill read on from the one to the other, neither, or nothing follows
    by which it could be seen.
    """

    SAME = "same"
    FILLED = "filled"
    OPEN = "open"
    NOTHING = "nothing"


SEEN_DDL = "query_id string, next bigint, seen string"


def see(
    holes: Mapping[str, Sequence[Hole]], is_whole: bool, ranges: Iterable[Any]
) -> Iterator[tuple[str, int, str]]:
    """By query and hole what each shard shows, of ``ReadRange``s in the order of :func:`check_positions`.

    ``is_whole``: the ranges are all that the archive tells of, from the queries' first batches on.
    """
    for _, of_shard in groupby(ranges, key=lambda one: (one.stream, one.shard)):
        backfilled = Backfilled()
        for (is_stream, query), of_query in groupby(
            of_shard, key=lambda one: (one.kind == "stream", one.query_id)
        ):
            if not is_stream:
                for one in of_query:
                    backfilled.add(one)
            elif query in holes:
                yield from _see(holes[query], is_whole, backfilled, of_query)


def _see(
    holes: Sequence[Hole], is_whole: bool, backfilled: Backfilled, ranges: Iterable[ReadRange]
) -> Iterator[tuple[str, int, str]]:
    last: ReadRange | None = None
    to_come = list(reversed(holes))
    for one in ranges:
        while to_come and to_come[-1].next <= one.batch_id:
            hole = to_come.pop()
            yield hole.query_id, hole.next, _between(backfilled, last, one, is_whole).value
        last = one
    for hole in to_come:
        yield hole.query_id, hole.next, _after(backfilled, last).value


def _between(backfilled: Backfilled, last: ReadRange | None, one: ReadRange, is_whole: bool) -> Seen:
    if last is None:
        if not is_number(one.after):
            return Seen.SAME
        if backfilled.leads_to(one.after):
            return Seen.FILLED
        return Seen.OPEN if is_whole else Seen.NOTHING
    if last.to == one.after:
        return Seen.SAME
    return Seen.FILLED if backfilled.fills(last.to, one.after) else Seen.OPEN


def _after(backfilled: Backfilled, last: ReadRange | None) -> Seen:
    if last is None or position_of(last.to) == SHARD_END:
        return Seen.SAME
    return Seen.FILLED if last.to in backfilled.steps else Seen.NOTHING


def is_filled(seen: Collection[str]) -> bool:
    """Whether nothing of a hole is missing, by what all shards show of it.

    A shard that shows nothing counts as idle where another one shows that somebody has filled the hole.

    >>> is_filled({"same"}), is_filled({"same", "filled", "nothing"})
    (True, True)
    >>> is_filled(set()), is_filled({"same", "nothing"}), is_filled({"filled", "open"})
    (False, False, False)
    """
    return Seen.OPEN not in seen and (Seen.FILLED in seen or set(seen) == {Seen.SAME})
