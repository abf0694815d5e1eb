"""A lost delivery record is told until its events are archived otherwise."""

from collections.abc import Sequence

import pytest

from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Position
from jobs.verify.holes import Hole, is_filled, see
from jobs.verify.records import ReadRange
from tests.verify.test_positions import AT_9, AT_11, backfilled, read

HOLE = Hole("q", 0, 2, "q/2")
BEFORE, AFTER = read("q", 0, AT_9, "100"), read("q", 2, "150", "200")
FILLED = backfilled(0, "100", "150")
IDLE = read("q", 0, AT_9, "7", shard="b")
GOES_ON = read("q", 2, "7", "9", shard="b")


def seen(
    *ranges: ReadRange, is_whole: bool = True, hole: Hole = HOLE, start: Position | None = None
) -> set[str]:
    starts = {hole.query_id: start} if start else {}
    return {what for _, _, what in see({hole.query_id: [hole]}, is_whole, starts, ranges)}


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
        ([backfilled(0, TRIM_HORIZON, "120"), backfilled(1, "120", "150"), AFTER], True),
        ([], False),
    ],
)
def test_a_hole_is_filled_where_no_shard_shows_otherwise(ranges: Sequence[ReadRange], due: bool) -> None:
    assert is_filled(seen(*ranges)) == due


def test_what_lies_before_the_day_that_is_looked_at_shows_nothing() -> None:
    later = read("q", 2, "8", "9", shard="b")
    assert seen(later) == {"open"}
    assert seen(later, is_whole=False) == {"nothing"}
    assert seen(FILLED, AFTER, is_whole=False) == {"filled"}


@pytest.mark.parametrize(
    ("start", "due"), [(AT_11, "filled"), (AT_9, "filled"), (TRIM_HORIZON, "open"), (None, "open")]
)
def test_a_querys_lost_beginning_is_filled_from_where_the_query_began(
    start: Position | None, due: str
) -> None:
    """A window that began later, or it isn't known whether it did, may have left some of it out."""
    assert seen(backfilled(0, AT_9, "150"), AFTER, start=start) == {due}
    assert seen(backfilled(0, AT_11, "150"), AFTER, start=AT_9) == {"open"}


def test_another_querys_lost_beginning_is_filled_from_where_the_earlier_one_ended() -> None:
    hole, ranges = Hole("r", -1, 2, "r/2"), [read("q", 0, AT_9, "100"), read("r", 2, "150", "200")]
    assert "open" not in seen(FILLED, *ranges, hole=hole)
    assert "open" in seen(backfilled(0, "120", "150"), *ranges, hole=hole)
    assert "open" in seen(*ranges, hole=hole)


def test_several_holes_of_a_query_are_told_apart() -> None:
    holes = [HOLE, Hole("q", 2, 5, "q/5"), Hole("q", 5, 7, "q/7")]
    ranges = [FILLED, BEFORE, AFTER, read("q", 5, "210", "220"), read("r", 0, AT_11, "230")]
    found = [(after, what) for _, after, what in see({"q": holes}, True, {}, ranges)]
    assert found == [(2, "filled"), (5, "open"), (7, "nothing")]
    assert holes[1].finding == (
        "gap",
        "q/5",
        2,
        "batches 3 to 4 of query q have no delivery record",
    )
