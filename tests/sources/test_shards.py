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
        (
            {"a": TRIM_HORIZON, "b": TRIM_HORIZON, "c": TRIM_HORIZON, "d": TRIM_HORIZON},
            ["a"],
            ["b", "c", "d"],
        ),
    ],
)
def test_a_shard_is_read_when_all_its_parents_are(
    offset: Offset, to_read: list[str], waiting: list[str]
) -> None:
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


class History:
    """A stream that is split and merged at random, and an offset that follows it."""

    def __init__(self) -> None:
        self.stream = {name: ListedShard(name, ()) for name in ("s0", "s1")}
        self.open = list(self.stream)
        self.alive = list(self.stream)
        self.offset: Offset = dict.fromkeys(self.stream, TRIM_HORIZON)
        self.joined = list(self.stream)

    @property
    def listed(self) -> dict[str, ListedShard]:
        return {name: self.stream[name] for name in self.alive}

    def reshard(self, pick: int, parents: int) -> None:
        closed = [self.open.pop(pick % len(self.open)) for _ in range(min(parents, len(self.open)))]
        for _ in range(2 if len(closed) == 1 else 1):
            name = f"s{len(self.stream)}"
            self.stream[name] = ListedShard(name, tuple(closed))
            self.open.append(name)
            self.alive.append(name)

    def read(self, skipped: int = 0) -> None:
        for shard in readable(self.offset, self.listed)[skipped:]:
            self.offset[shard] = "1" if shard in self.open else SHARD_END
        before = set(self.offset)
        self.offset = pruned(grown(self.offset, self.listed), self.listed)
        self.joined += [shard for shard in self.offset if shard not in before]

    def expire(self, count: int) -> None:
        """Lets shards go that were read to their end; other tests are about unread ones."""
        ended = [name for name in self.alive if self.offset.get(name) == SHARD_END]
        self.alive = [name for name in self.alive if name not in ended[:count]]


STEPS = st.tuples(st.sampled_from(["split", "merge", "read", "expire"]), st.integers(0, 99))


@given(st.lists(STEPS, max_size=60))
def test_over_any_history_each_shard_joins_once_and_the_offset_stays_small(
    steps: list[tuple[str, int]],
) -> None:
    history = History()
    for step, pick in steps:
        match step:
            case "split":
                history.reshard(pick, 1)
            case "merge":
                history.reshard(pick, 2)
            case "read":
                history.read(pick % 2)
            case "expire":
                history.expire(pick % 3)
        assert expired(history.offset, history.listed) == []
    for _ in history.stream:
        history.read()
    assert sorted(history.joined) == sorted(history.stream)
    parents = {parent for name in history.alive for parent in history.stream[name].parents}
    assert set(history.offset) <= set(history.alive) | parents


POSITIONS = st.one_of(
    st.integers(0, 10**56).map(str),
    st.sampled_from([SHARD_END, TRIM_HORIZON]),
    st.just({"at": "2026-03-01T12:00:00.000Z"}),
)


# As the Kinesis API reference has a shard's id.
SHARDS = st.from_regex(r"[a-zA-Z0-9_.-]{1,128}", fullmatch=True)


@given(st.dictionaries(SHARDS, POSITIONS))
def test_an_offset_survives_its_json_and_the_same_offset_is_the_same_text(offset: Offset) -> None:
    backwards = dict(reversed(list(offset.items())))
    assert from_json(to_json(offset)) == offset
    assert to_json(offset) == to_json(backwards) == to_json(ordered(backwards))


def test_sequence_numbers_are_compared_as_numbers() -> None:
    assert reached("10" * 28, "9" * 55)
    assert not reached("9" * 55, "10" * 28)
