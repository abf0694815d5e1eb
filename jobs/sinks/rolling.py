"""Objects built from blocks, begun anew before they pass the byte limit (BR-012, BR-014)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.sinks.blocks import Blocks, Group, bodies
from jobs.sinks.codecs import Buffer

BLOCK_BYTES = 256 * 1024
SMALLEST_SHARE = 8


@dataclass(frozen=True)
class FinishedObject:
    """An object ready to be stored: the ``roll``-th of its group, ``count`` change events in it.

    ``without_system`` of them are records that got no ``system`` from their systemUserId (BR-007).
    """

    group: Group
    roll: int
    key: str
    count: int
    body: bytes | bytearray
    without_system: int = 0


class Layout(Protocol):
    """How one kind of object is laid out; sizes depend on the blocks and the roll number alone."""

    def key(self, roll: int) -> str:
        """The object's key below the archive's root."""

    def head(self, roll: int) -> bytes:
        """What comes before the first block."""

    def packed(self, block: Buffer) -> Buffer:
        """The block's bytes as they will be stored, still without what frames them."""

    def framed(self, roll: int, first: bool, count: int, packed: Buffer) -> list[Buffer]:
        """The pieces to append for a block of ``count`` bodies."""

    @property
    def tail(self) -> bytes:
        """What comes after the last block."""


class Rolling(Protocol):
    """Makes the objects of one group from its rows, and hands out each as soon as it is complete."""

    def add(self, rows: pa.RecordBatch) -> None:
        """Append rows that follow the ones added before."""

    def close(self) -> None:
        """Hand out the last object."""


@dataclass
class RollingObject:
    """Archive errors or Avro containers of one group, made of blocks of bodies.

    An object passes ``max_bytes`` only where a single body does. Roll numbers go from 0 on; where the group is in n
    parts, part p has every n-th from p on, so that no two of them have one.
    """

    group: Group
    layout: Layout
    max_bytes: int
    done: Callable[[FinishedObject], None]
    _blocks: Blocks = field(init=False)
    _body: bytearray = field(default_factory=bytearray)
    _count: int = 0
    _roll: int = field(init=False)
    _without_system: int = 0
    _marks: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        self._roll = self.group.part
        room = self.max_bytes - len(self.layout.head(0))
        self._blocks = Blocks(min(BLOCK_BYTES, max(1, room // SMALLEST_SHARE)))

    def add(self, rows: pa.RecordBatch) -> None:
        """Append rows that follow the ones added before, columns as :func:`jobs.sinks.blocks.bodies` takes them."""
        added = bodies(rows)
        self._marks = np.concatenate([self._marks, added.without_system])
        for count, block in self._blocks.feed(added):
            self._append(count, block)

    def close(self) -> None:
        """Hand out the last object."""
        for count, block in self._blocks.flush():
            self._append(count, block)
        self._finish()

    def _append(self, count: int, block: Buffer) -> None:
        packed = self.layout.packed(block)
        pieces = self.layout.framed(self._roll, not self._count, count, packed)
        size = len(self._body) + sum(map(len, pieces)) + len(self.layout.tail)
        if self._count and size > self.max_bytes:
            self._finish()
            pieces = self.layout.framed(self._roll, True, count, packed)
        if not self._count:
            self._body += self.layout.head(self._roll)
        for piece in pieces:
            self._body += piece
        self._count += count
        self._without_system += int(self._marks[:count].sum())
        self._marks = self._marks[count:]

    def _finish(self) -> None:
        if self._count:
            self._body += self.layout.tail
            key = self.layout.key(self._roll)
            self.done(
                FinishedObject(self.group, self._roll, key, self._count, self._body, self._without_system)
            )
            self._body, self._count, self._without_system = bytearray(), 0, 0
            self._roll += self.group.parts
