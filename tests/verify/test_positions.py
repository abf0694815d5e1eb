"""Batch must follow batch in every shard."""

import json
import random
import time
from typing import Any

import pytest

from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON
from jobs.verify.positions import Numbers, check_positions
from jobs.verify.records import ReadRange

AT_9, AT_11 = {"at": "2026-03-01T09:00:00.000Z"}, {"at": "2026-03-01T11:00:00.000Z"}


def read(query: str, batch: int, after: Any, to: Any, shard: str = "a") -> ReadRange:
    """What a batch of that query read; query "q" reads from 10:00 on, a batch a minute."""
    after, to = json.dumps(after), json.dumps(to)
    time = f"2026-03-01T1{'qrs'.index(query)}:{batch:02d}:00.000Z"
    return ReadRange("fans", shard, "stream", query, batch, time, after, to, f"{query}/{batch}")


def backfilled(step: int, after: Any, to: Any, run: str = "b", hour: int = 15) -> ReadRange:
    """What a backfill read; it began after all queries."""
    after, to = json.dumps(after), json.dumps(to)
    time = f"2026-03-01T{hour:02d}:00:00.000Z"
    return ReadRange("fans", "a", "backfill", run, step, time, after, to, f"{run}/{step}")


def found(*ranges: ReadRange) -> list[tuple[str, str]]:
    return [(finding.kind, finding.key) for finding in check_positions(ranges)]


def test_batches_that_follow_each_other_are_fine() -> None:
    assert (
        found(read("q", 0, TRIM_HORIZON, "99"), read("q", 1, "99", "100"), read("q", 3, "100", SHARD_END))
        == []
    )


def test_a_shard_has_nothing_to_do_with_another() -> None:
    assert found(read("q", 0, AT_9, "5"), read("q", 1, "5", "7"), read("q", 0, AT_9, "3", shard="b")) == []


@pytest.mark.parametrize(
    ("after", "kind"), [("101", "gap"), ("99", "overlap"), ("9", "overlap"), (TRIM_HORIZON, "overlap")]
)
def test_a_batch_that_begins_elsewhere_than_the_last_one_ended_is_found(after: str, kind: str) -> None:
    assert found(read("q", 0, "5", "100"), read("q", 1, after, "200")) == [(kind, "q/1")]


def test_positions_are_compared_as_numbers() -> None:
    assert found(read("q", 0, "5", "9"), read("q", 1, "10", "20")) == [("gap", "q/1")]


def test_what_follows_a_shards_end_is_an_overlap() -> None:
    assert found(read("q", 0, "5", SHARD_END), read("q", 1, "9", SHARD_END)) == [("overlap", "q/1")]


@pytest.mark.parametrize("start", [TRIM_HORIZON, AT_9, AT_11])
def test_another_query_that_read_no_further_has_read_again(start: Any) -> None:
    assert found(read("q", 0, AT_9, "100"), read("r", 0, start, "100")) == [("overlap", "r/0")]


@pytest.mark.parametrize("start", [TRIM_HORIZON, AT_9, AT_11])
def test_another_query_that_read_on_is_a_restart(start: Any) -> None:
    before = read("q", 0, AT_9, "50"), read("q", 1, "50", "100")
    assert found(*before, read("r", 0, start, "101"), read("r", 1, "101", "102")) == [("restart", "r/0")]


def test_a_third_query_is_held_against_the_one_that_read_furthest() -> None:
    ranges = read("q", 0, AT_9, "100"), read("r", 0, TRIM_HORIZON, "50"), read("s", 0, TRIM_HORIZON, "80")
    assert found(*ranges) == [("overlap", "r/0"), ("overlap", "s/0")]


def test_a_shard_that_was_read_to_its_end_before_another_query_began_by_time_is_fine() -> None:
    assert found(read("q", 0, AT_9, SHARD_END), read("r", 0, AT_11, SHARD_END)) == []
    assert found(read("q", 0, AT_9, SHARD_END), read("r", 0, AT_9, SHARD_END)) == [("restart", "r/0")]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_batches_that_have_their_number_twice_are_overlaps_and_what_follows_either_is_no_gap(
    order: tuple[int, int],
) -> None:
    """As where a checkpoint was restored from an older copy, or two jobs logged a batch in the same instant."""
    fifth = [read("q", 5, "100", "150"), read("q", 5, "100", "200")]
    sixth = [read("q", 6, "150", "180"), read("q", 6, "200", "250")]
    ranges = [read("q", 4, "50", "100"), *(fifth[at] for at in order), *sixth, read("q", 7, "250", "260")]
    assert {kind for kind, _ in found(*ranges)} == {"overlap"}
    assert found(*ranges, read("q", 8, "270", "280"))[-1] == ("gap", "q/8")


def test_positions_are_told_in_words() -> None:
    (finding,) = check_positions([read("q", 0, AT_9, "100"), read("r", 0, AT_11, "200")])
    assert "had read to 100" in finding.detail
    assert "began at 2026-03-01T11:00:00.000Z" in finding.detail


def test_what_a_backfill_has_filled_is_no_gap() -> None:
    queries = read("q", 0, AT_9, "100"), read("q", 1, "150", "200"), read("r", 0, AT_11, "300")
    assert found(*queries) == [("gap", "q/1"), ("restart", "r/0")]
    assert found(backfilled(0, "100", "150"), *queries) == [("restart", "r/0")]
    assert found(backfilled(0, "100", "150"), backfilled(1, "200", AT_11), *queries) == []


def test_several_steps_fill_a_gap_and_a_part_of_them_does_not() -> None:
    queries = read("q", 0, AT_9, "100"), read("r", 0, AT_11, "300")
    steps = [backfilled(0, "100", "120"), backfilled(1, "120", "140"), backfilled(2, "140", AT_11)]
    assert found(*steps, *queries) == []
    for missing in steps:
        left = [step for step in steps if step is not missing]
        assert found(*left, *queries) == [("restart", "r/0")]


def test_what_a_backfill_and_a_batch_both_read_is_an_overlap() -> None:
    queries = read("q", 0, "5", "100"), read("q", 1, "100", "200")
    assert found(backfilled(0, "150", "160"), *queries) == [("overlap", "q/1")]
    assert found(backfilled(0, "200", "300"), backfilled(1, "250", "400"), *queries) == [("overlap", "b/1")]


def test_windows_of_backfills_with_nothing_between_them_are_fine() -> None:
    assert found(backfilled(0, AT_9, "100"), backfilled(1, "100", AT_11)) == []


def test_the_record_up_to_which_a_range_was_read_is_in_it_wherever_that_began() -> None:
    """`backfill --again` over a window: its first and last positions are instants."""
    queries = read("q", 0, "5", "100"), read("q", 1, "100", "200")
    assert found(backfilled(0, AT_9, "150"), backfilled(1, "150", AT_11), *queries) == [("overlap", "q/1")]
    assert found(backfilled(0, AT_9, "100"), *queries) == [("overlap", "q/0")]
    assert found(backfilled(0, AT_9, "5"), backfilled(1, "200", AT_11), *queries) == []


@pytest.mark.parametrize("start", [TRIM_HORIZON, AT_9])
def test_a_querys_first_batch_is_held_against_backfills_too(start: Any) -> None:
    first = read("q", 0, start, "100")
    assert found(backfilled(0, "90", "110"), first) == [("overlap", "q/0")]
    assert found(backfilled(0, AT_11, "100"), first) == [("overlap", "q/0")]
    assert found(backfilled(0, "100", "110"), first) == []
    assert found(backfilled(0, AT_9, "101"), first) == []


def test_what_was_there_to_be_read_from_the_beginning_was_read_by_the_batch_that_did() -> None:
    """A backfill that began later found a record that lies before: from TRIM_HORIZON on it had been read."""
    later, earlier = (backfilled(0, AT_9, "50", hour=hour) for hour in (15, 9))
    first = read("q", 0, TRIM_HORIZON, "100")
    assert found(later, first) == [("overlap", "q/0")]
    # By the time of the batch it may have expired.
    assert found(earlier, first) == []
    # And before an instant nobody knows.
    assert found(later, read("q", 0, AT_9, "100")) == []


def test_backfills_are_held_against_each_other() -> None:
    one = backfilled(0, AT_9, "100"), backfilled(1, "100", "150")
    assert found(*one, backfilled(0, AT_9, "120", run="c")) == [("overlap", "c/0")]
    assert found(*one, backfilled(0, AT_11, "150", run="c")) == [("overlap", "c/0")]
    assert found(*one, backfilled(0, AT_9, "160", run="c"), backfilled(1, "160", AT_11, run="c")) == []


def test_numbers_are_known_whatever_ranges_they_came_in() -> None:
    """The same as one by one; and the time that it takes doesn't grow with the ranges, of which there may be millions."""
    numbers, one_by_one = Numbers(), set[int]()
    draw = random.Random(5)
    for _ in range(3000):
        after = draw.randrange(2000)
        to = after + draw.randrange(1, 8)
        assert numbers.has(after, to) == (not one_by_one.isdisjoint(range(after, to)))
        if not draw.randrange(4):
            numbers.add(after, to)
            one_by_one.update(range(after, to))
    assert found(backfilled(0, "1", "9"), read("q", 0, "5", "5")) == []
    many = [backfilled(step, str(10**9 + step), str(10**9 + step + 1)) for step in range(3000)]
    batches = [read("q", 0, str(at), str(at + 1)) for at in range(30_000)]
    begun = time.monotonic()
    assert found(*many, *batches) == []
    assert time.monotonic() - begun < 10


def test_where_no_record_is_sure_to_have_been_read_nothing_is() -> None:
    queries = read("q", 0, AT_9, "100"), read("q", 1, "100", SHARD_END)
    assert found(backfilled(0, AT_9, AT_11), backfilled(1, AT_11, SHARD_END), *queries) == []
    assert found(backfilled(0, "100", SHARD_END), read("q", 0, AT_9, "100")) == []
