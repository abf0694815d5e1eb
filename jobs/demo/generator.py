"""A seeded stream of made-up change events: `events(seed, count)`.

The same seed gives the same bytes on every Python and platform. Phones are +1555…, mail addresses end in
example.com, artists and venues are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from jobs.demo.bad import BAD
from jobs.demo.dice import Dice
from jobs.demo.envelopes import encode
from jobs.demo.odd import HUGE, ODD
from jobs.demo.times import DAY, START
from jobs.demo.world import Happening, World

_RECENT = 64
_MAKERS = BAD | ODD | HUGE


class Change(NamedTuple):
    """One Kinesis record to put: its partition key, its payload, and in words what it is (`insert demand`)."""

    partition_key: str
    data: bytes
    kind: str

    @property
    def is_bad(self) -> bool:
        """Whether the archive must answer it with an archive error."""
        return self.kind.startswith("bad: ")


class Mix(NamedTuple):
    """What a corpus is made of. Shares are of all change events, 0 to 1; the order of the tuples says of what."""

    demand: float = 0.70
    notification: float = 0.20
    event: float = 0.05
    insert: float = 0.60
    modify: float = 0.30
    duplicates: float = 0.01
    odd: float = 0.01
    late: float = 0.03
    delayed: float = 0.01
    huge: int = 0
    days: int = 3


DEMO = Mix(event=0.04, demand=0.70, late=0.05, odd=0.02, delayed=0.03, huge=1)
BENCHMARK = Mix(days=4)


def events(seed: int, count: int, bad_share: float = 0.03, mix: Mix = DEMO) -> Iterator[Change]:
    """`count` change events as they would reach the stream, `bad_share` of them broken in every known way in turn."""
    corpus = _Corpus(Dice(seed), count, bad_share, mix)
    return _delayed(Dice(seed + 1), (corpus.next(index) for index in range(count)), mix.delayed)


class _Corpus:
    """Makes one change after the other, in the order in which they happen."""

    def __init__(self, dice: Dice, count: int, bad_share: float, mix: Mix) -> None:
        self._dice, self._mix = dice, mix
        self._world = World(dice, mix.late)
        self._step = mix.days * DAY / max(count, 1)
        self._bad_below = bad_share
        self._odd_below = bad_share + mix.odd
        self._again_below = bad_share + mix.odd + mix.duplicates
        self._bad = _rounds(dice, list(BAD))
        self._odd = _rounds(dice, list(ODD))
        self._huge = {count * (i + 1) // (mix.huge + 1) for i in range(mix.huge)}
        self._recent: list[Change] = []

    def next(self, index: int) -> Change:
        """The change number `index`."""
        now, chance = START + int(index * self._step) + self._dice.below(1000), self._dice.roll()
        if index in self._huge:
            return self._rare(next(iter(HUGE)), now)
        if chance >= self._again_below:
            return self._remembered(_plain(self._ordinary(now)))
        if chance < self._bad_below:
            return self._rare(next(self._bad), now)
        if chance < self._odd_below or not self._recent:
            return self._rare(next(self._odd), now)
        again = self._dice.pick(self._recent)
        return again._replace(kind=f"duplicate {again.kind.split()[1]}")

    def _ordinary(self, now: int, type_: str = "") -> Happening:
        type_chance, action_chance, mix = self._dice.roll(), self._dice.roll(), self._mix
        type_ = type_ or (
            "demand" if type_chance < mix.demand
            else "notification" if type_chance < mix.demand + mix.notification
            else "event" if type_chance < mix.demand + mix.notification + mix.event
            else "sale"
        )  # fmt: skip
        action = (
            "INSERT" if action_chance < mix.insert
            else "MODIFY" if action_chance < mix.insert + mix.modify
            else "REMOVE"
        )  # fmt: skip
        return self._world.change(type_, action, now)

    def _rare(self, kind: str, now: int) -> Change:
        """A broken or an odd one, made from an ordinary one."""
        maker = _MAKERS[kind]
        happening = self._ordinary(now, maker.type)
        return Change(happening.key, maker.make(happening.event, self._dice), kind)

    def _remembered(self, change: Change) -> Change:
        if len(self._recent) < _RECENT:
            self._recent.append(change)
        else:
            self._recent[self._dice.below(_RECENT)] = change
        return change


def _plain(happening: Happening) -> Change:
    return Change(happening.key, encode(happening.event), happening.kind)


def _rounds(dice: Dice, kinds: list[str]) -> Iterator[str]:
    """All kinds in turn, for ever, in another order each time."""
    while True:
        yield from dice.shuffled(kinds)


def _delayed(dice: Dice, changes: Iterator[Change], share: float) -> Iterator[Change]:
    """The changes with `share` of them held back, so that later ones overtake them."""
    held: list[Change] = []
    for change in changes:
        if dice.roll() < share:
            held.append(change)
            continue
        yield change
        if held and dice.roll() < 0.05:
            yield held.pop(0)
    yield from held
