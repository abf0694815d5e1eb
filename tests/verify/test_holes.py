"""A lost delivery record is told until its events are archived otherwise."""

from collections.abc import Sequence

import pytest

from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON
from jobs.verify.holes import Hole, is_filled, see
from jobs.verify.records import ReadRange
from tests.verify.test_positions import AT_9, AT_11, backfilled, read

HOLE = Hole("q", 0, 2, "q/2")
BEFORE, AFTER = read("q", 0, AT_9, "100"), read("q", 2, "150", "200")
FILLED = backfilled(0, "100", "150")
IDLE = read("q", 0, AT_9, "7", shard="b")
GOES_ON = read("q", 2, "7", "9", shard="b")


def seen(*ranges: ReadRange, is_whole: bool = True) -> set[str]:
    return {what for query, after, what in see({"q": [HOLE]}, is_whole, ranges)}


@pytest.mark.parametrize(
    ("ranges", "due"),
    [
        ([FILLED, BEFORE, AFTER], True),
        ([backfilled(0, "100", "120"), backfilled(1, "120", "150"), BEFORE, AFTER], True),
        ([BEFORE, AFTER], False),
        ([backfilled(0, "100", "149"), BEFORE, AFTER], False),
        ([FILLED, BEFORE, AFTER, IDLE, GOES_ON], True),
        ([FILLED, BEFORE, AFTER, IDLE], True),
        ([FILLED, BEFORE, AFTER, IDLE, read("q", 2, "8", "9", shard="b")], False),
        ([IDLE, GOES_ON], True),
        ([IDLE], False),
        ([read("q", 0, AT_9, SHARD_END), IDLE, GOES_ON], True),
        ([FILLED, BEFORE, AFTER, read("q", 2, TRIM_HORIZON, "9", shard="b")], True),
        ([FILLED, BEFORE, AFTER, read("q", 2, "8", "9", shard="b")], False),
        ([backfilled(0, AT_9, "150"), AFTER], True),
        ([], False),
    ],
)
def test_a_hole_is_filled_where_no_shard_shows_otherwise(ranges: Sequence[ReadRange], due: bool) -> None:
    assert is_filled(seen(*ranges)) == due


def test_what_lies_before_the_day_that_is_looked_at_shows_nothing() -> None:
    later = read("q", 2, "8", "9", shard="b")
    assert seen(later) == {"open"}
    assert seen(later, is_whole=False) == {"nothing"}


def test_several_holes_of_a_query_are_told_apart() -> None:
    holes = [HOLE, Hole("q", 2, 5, "q/5"), Hole("q", 5, 7, "q/7")]
    ranges = [FILLED, BEFORE, AFTER, read("q", 5, "210", "220"), read("r", 0, AT_11, "230")]
    found = [(after, what) for _, after, what in see({"q": holes}, True, ranges)]
    assert found == [(2, "filled"), (5, "open"), (7, "nothing")]
    assert holes[1].finding == (
        "gap",
        "q/5",
        2,
        "batches 3 to 4 of query q have no delivery record",
    )
