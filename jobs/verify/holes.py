"""Batches and steps without a delivery record, and whether backfills have archived what the batches read."""

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Position, instant_of
from jobs.verify.findings import Finding
from jobs.verify.positions import Backfilled, is_number, position_of
from jobs.verify.records import ReadRange


class End(NamedTuple):
    """A query or run is known to have batches, or steps, up to ``next``, that one excluded; what tells of that is at ``key``.

    ``before`` is the last one that isn't looked at, -1 where that is none.
    """

    query_id: str
    is_stream: bool
    before: int
    next: int
    key: str


END_DDL = "query_id string, is_stream boolean, before bigint, next bigint, key string"


class Hole(NamedTuple):
    """Batches that a query lacks, or steps that a run lacks: those between ``before`` and ``next``, as in ``End``.

    ``key`` is that of the record of ``next``, or of the ``End``.
    """

    query_id: str
    before: int
    next: int
    key: str
    is_stream: bool = True

    @property
    def finding(self) -> Finding:
        """What there is to tell."""
        first, last = self.before + 1, self.next - 1
        one, several, of = ("batch", "batches", "query") if self.is_stream else ("step", "steps", "run")
        which = f"{one} {first} of {of} {self.query_id} has"
        if first != last:
            which = f"{several} {first} to {last} of {of} {self.query_id} have"
        return Finding("gap", self.key, last - first + 1, f"{which} no delivery record")


def find_holes(batches: DataFrame, ends: DataFrame, is_whole: bool) -> list[Hole]:
    """The numbers that are missing, where the batches of a query and the steps of a run are numbered from 0 on.

    ``batches`` has the columns ``query_id``, ``is_stream``, ``batch_id`` and ``key``, ``ends`` those of ``END_DDL``.
    ``is_whole``: they are all that the archive tells of. Else a query may have begun earlier; a run's records are all of
    one day.
    """
    begins = F.lit(-1) if is_whole else F.when(F.col("is_stream"), F.col("batch_id") - 1).otherwise(-1)
    known = batches.select("query_id", "is_stream", begins.alias("before"), "batch_id", "key")
    numbered = known.withColumn("is_end", F.lit(False)).union(ends.withColumn("is_end", F.lit(True)))
    of_query = Window.partitionBy("query_id")
    newest = F.max(F.when(~F.col("is_end"), F.col("batch_id"))).over(of_query)
    numbered = numbered.withColumns({"newest": newest, "begins": F.min("before").over(of_query)})
    # A batch that came since is an end itself.
    is_passed = F.col("is_end") & (F.col("newest") >= F.col("batch_id"))
    numbered = numbered.where(~F.coalesce(is_passed, F.lit(False)))
    last = F.lag("batch_id").over(of_query.orderBy("batch_id", "key"))
    holes = numbered.withColumn("last", F.coalesce(last, "begins")).where(
        F.col("batch_id") > F.col("last") + 1
    )
    rows = holes.select("query_id", "last", F.col("batch_id").alias("next"), "key", "is_stream")
    return [Hole(*row) for row in rows.orderBy("query_id", "next").collect()]


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
    holes: Mapping[str, Sequence[Hole]], is_whole: bool, starts: Mapping[str, Position], ranges: Iterable[Any]
) -> Iterator[tuple[str, int, str]]:
    """By query and hole what each shard shows, of ``ReadRange``s in the order of :func:`check_positions`.

    ``is_whole``: the ranges are all that the archive tells of, from the queries' first batches on. ``starts``: where
    queries began, of those of which that is known.
    """
    for _, of_shard in groupby(ranges, key=lambda one: (one.stream, one.shard)):
        backfilled, ends = Backfilled(), set[str]()
        for (is_stream, query), of_query in groupby(
            of_shard, key=lambda one: (one.kind == "stream", one.query_id)
        ):
            if not is_stream:
                for one in of_query:
                    backfilled.add(one)
                continue
            before = Before(is_whole, starts.get(query), ends)
            end = yield from _see(holes.get(query, ()), before, backfilled, of_query)
            ends.add(end)


class Before(NamedTuple):
    """What is known of a shard before a query's first range: where the query began, where earlier queries had ended."""

    is_whole: bool
    start: Position | None
    ends: Collection[str]

    def is_missed_after(self, text: str) -> bool:
        """Whether something may lie between there and what was read before, or where the query began."""
        if not self.is_whole or text in self.ends:
            return False
        position = position_of(text)
        begins, start = instant_of(position), instant_of(self.start or TRIM_HORIZON)
        return position != TRIM_HORIZON and (begins is None or start is None or start < begins)


def _see(
    holes: Sequence[Hole], before: Before, backfilled: Backfilled, ranges: Iterable[ReadRange]
) -> Generator[tuple[str, int, str], None, str]:
    """What the shard shows of a query's holes; returns where the query ended."""
    last: ReadRange | None = None
    to_come = list(reversed(holes))
    for one in ranges:
        while to_come and to_come[-1].next <= one.batch_id:
            hole = to_come.pop()
            yield hole.query_id, hole.next, _between(backfilled, last, one, before).value
        last = one
    for hole in to_come:
        yield hole.query_id, hole.next, _after(backfilled, last).value
    return last.to if last else ""


def _between(backfilled: Backfilled, last: ReadRange | None, one: ReadRange, before: Before) -> Seen:
    if last is None:
        if not is_number(one.after) and position_of(one.after) != SHARD_END:
            return Seen.SAME
        if not all(map(before.is_missed_after, backfilled.leading_to(one.after))):
            return Seen.FILLED
        return Seen.OPEN if before.is_whole else Seen.NOTHING
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
