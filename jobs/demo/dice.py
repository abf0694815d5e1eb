"""Chance that falls the same way for a seed on every Python and platform."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Random choices from a seed.

    `Random.random` is the one method whose sequence Python promises never to change, so all else is made of it.
    """

    __slots__ = ("roll",)

    def __init__(self, seed: int) -> None:
        """Start the sequence that belongs to `seed`."""
        self.roll = Random(seed).random

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, not including, `limit`."""
        return int(self.roll() * limit)

    def chance(self, share: float) -> bool:
        """True in `share` (0 to 1) of all calls."""
        return self.roll() < share

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`, each as likely as the others."""
        return choices[int(self.roll() * len(choices))]

    def take(self, items: MutableSequence[T]) -> T:
        """Remove and return one of `items`; their order is not kept."""
        index = int(self.roll() * len(items))
        items[index], items[-1] = items[-1], items[index]
        return items.pop()

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """A copy of `items` in another order."""
        rest = list(items)
        return [self.take(rest) for _ in items]

    def hex(self, digits: int) -> str:
        """`digits` (at most 12) random hexadecimal digits."""
        return f"{int(self.roll() * 16**digits):0{digits}x}"

    def uuid(self) -> str:
        """A random identifier in the shape of a UUID."""
        high, low = self.hex(12), self.hex(12)
        return f"{high[:8]}-{high[8:]}-4{low[:3]}-8{low[3:6]}-{self.hex(12)}"
