"""Which shards are read when, over made-up histories of splits and merges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sources.kinesis.api import ListedShard
from jobs.sources.kinesis.offsets import (
    SHARD_END,
    TRIM_HORIZON,
    Offset,
    from_json,
    ordered,
    reached,
    to_json,
)
from jobs.sources.kinesis.shards import expired, grown, pending, pruned, readable


def _shards(**parents: str) -> dict[str, ListedShard]:
    return {name: ListedShard(name, tuple(parents[name])) for name in parents}


SPLIT_THEN_MERGED = _shards(a="", b="a", c="a", d="bc")


@pytest.mark.parametrize(
    ("offset", "to_read", "waiting"),
    [
        ({"a": "5"}, ["a"], ["b", "c", "d"]),
        ({"a": SHARD_END, "b": "1", "c": TRIM_HORIZON}, ["b", "c"], ["d"]),
        ({"a": SHARD_END, "b": SHARD_END, "c": "7"}, ["c"], ["d"]),
        ({"a": SHARD_END, "b": SHARD_END, "c": SHARD_END, "d": "9"}, ["d"], []),
        ({"a": TRIM_HORIZON, "b": TRIM_HORIZON, "c": TRIM_HORIZON, "d": TRIM_HORIZON}, ["a"], ["b", "c", "d"]),
    ],
)
def test_a_shard_is_read_when_all_its_parents_are(offset: Offset, to_read: list[str], waiting: list[str]) -> None:
    assert readable(offset, SPLIT_THEN_MERGED) == to_read
    assert pending(offset, SPLIT_THEN_MERGED) == waiting


def test_children_join_at_their_beginning_once_every_parent_has_ended() -> None:
    assert grown({"a": "5"}, SPLIT_THEN_MERGED) == {"a": "5"}
    split = grown({"a": SHARD_END}, SPLIT_THEN_MERGED)
    assert split == {"a": SHARD_END, "b": TRIM_HORIZON, "c": TRIM_HORIZON}
    assert "d" not in grown({**split, "b": SHARD_END}, SPLIT_THEN_MERGED)
    assert grown({**split, "b": SHARD_END, "c": SHARD_END}, SPLIT_THEN_MERGED)["d"] == TRIM_HORIZON


def test_an_ended_shard_is_kept_while_it_is_listed_or_a_child_waits() -> None:
    offset: Offset = {"a": SHARD_END, "b": SHARD_END, "c": "7"}
    assert pruned(offset, SPLIT_THEN_MERGED) == offset
    without_b = _shards(c="a", d="bc")
    assert pruned(offset, without_b) == {"b": SHARD_END, "c": "7"}
    assert pruned({"b": SHARD_END, "c": SHARD_END, "d": "1"}, without_b) == {"c": SHARD_END, "d": "1"}


def test_a_parent_that_nobody_knows_any_more_was_lost() -> None:
    assert expired({"a": SHARD_END}, _shards(d="b")) == ["b"]
    assert expired({"d": "1"}, _shards(d="b")) == []


@given(st.lists(st.tuples(st.sampled_from(["split", "merge", "read", "expire"]), st.integers(0, 99)), max_size=60))
def test_over_any_history_each_shard_joins_once_and_the_offset_stays_small(steps: list[tuple[str, int]]) -> None:
    stream = {name: ListedShard(name, ()) for name in ("s0", "s1")}
    open_shards, alive = ["s0", "s1"], ["s0", "s1"]
    offset: Offset = dict.fromkeys(stream, TRIM_HORIZON)
    joined = list(offset)
    for step, pick in steps:
        listed = {name: stream[name] for name in alive}
        match step:
            case "split" | "merge":
                count = min(2 if step == "merge" else 1, len(open_shards))
                parents = [open_shards.pop(pick % len(open_shards)) for _ in range(count)]
                for _ in range(2 if count == 1 else 1):
                    name = f"s{len(stream)}"
                    stream[name] = ListedShard(name, tuple(parents))
                    open_shards.append(name)
                    alive.append(name)
            case "read":
                for shard in readable(offset, listed)[pick % 2 :]:
                    offset[shard] = "1" if shard in open_shards else SHARD_END
                before = set(offset)
                offset = pruned(grown(offset, listed), listed)
                joined += [shard for shard in offset if shard not in before]
            case "expire":
                # Only what was read to its end expires here; another test is about the others.
                ended = [name for name in alive if offset.get(name) == SHARD_END]
                alive = [name for name in alive if name not in ended[: pick % 3]]
        listed = {name: stream[name] for name in alive}
        assert expired(offset, listed) == []
    assert len(joined) == len(set(joined))
    for _ in range(len(stream) + 1):
        for shard in readable(offset, listed := {name: stream[name] for name in alive}):
            offset[shard] = "1" if shard in open_shards else SHARD_END
        before = set(offset)
        offset = pruned(grown(offset, listed), listed)
        joined += [shard for shard in offset if shard not in before]
    assert sorted(joined) == sorted(stream)
    assert set(offset) <= set(alive) | {parent for name in alive for parent in stream[name].parents}


POSITIONS = st.one_of(
    st.integers(0, 10**56).map(str),
    st.sampled_from([SHARD_END, TRIM_HORIZON]),
    st.just({"at": "2026-03-01T12:00:00.000Z"}),
)


@given(st.dictionaries(st.text(min_size=1), POSITIONS))
def test_an_offset_survives_its_json_and_the_same_offset_is_the_same_text(offset: Offset) -> None:
    backwards = dict(reversed(list(offset.items())))
    assert from_json(to_json(offset)) == offset
    assert to_json(offset) == to_json(backwards) == to_json(ordered(backwards))


def test_sequence_numbers_are_compared_as_numbers() -> None:
    assert reached("10" * 28, "9" * 55)
    assert not reached("9" * 55, "10" * 28)
