"""Runs of rows in Arrow batches, and blocks cut out of their data without touching a row."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.sinks.codecs import Buffer
from jobs.sinks.failures import BadOutcomes

GROUP = ("type", "partitionDate", "message")
PART = ("part", "parts")
NO_BODY = "an outcome has no body: the transforms must give every row one"


@dataclass(frozen=True)
class Group:
    """What one object holds: a record type and a partition date (BR-012), or one error message (BR-017).

    A group that is spread over several tasks is in ``parts`` parts, this one being number ``part`` from 0.
    """

    type: str | None
    partition_date: str | None
    message: str | None
    part: int = 0
    parts: int = 1


@dataclass(frozen=True)
class Bodies:
    """Consecutive bodies: number i is ``data[offsets[i]:offsets[i + 1]]``.

    ``without_system`` says of each whether its record got no ``system`` from its systemUserId (BR-007).
    """

    data: memoryview
    offsets: npt.NDArray[np.int64]
    without_system: npt.NDArray[np.bool_]


def runs(batch: pa.RecordBatch) -> Iterator[tuple[Group, pa.RecordBatch]]:
    """The batch's rows as runs of one group's, in their order.

    Of its columns these are looked at: type, partitionDate, message string, and where groups are spread part and parts int.
    """
    keys = [batch.column(name) for name in (*GROUP, *PART) if name in batch.schema.names]
    for start, stop in _bounds(keys):
        yield Group(*(key[start].as_py() for key in keys)), batch.slice(start, stop - start)


def bodies(rows: pa.RecordBatch) -> Bodies:
    """The rows' bodies.

    Columns: body binary or large_binary, withoutSystem boolean. Raises ``BadOutcomes`` on a null body.
    """
    body = rows.column("body")
    if body.null_count:
        raise BadOutcomes(NO_BODY)
    _, offsets, data = body.buffers()
    width = np.int64 if pa.types.is_large_binary(body.type) else np.int32
    positions = np.frombuffer(offsets, dtype=width)[body.offset : body.offset + len(body) + 1]
    without_system = rows.column("withoutSystem").fill_null(False).to_numpy(zero_copy_only=False)
    return Bodies(memoryview(data or b""), positions.astype(np.int64), without_system)


def _bounds(keys: list[Any]) -> Iterator[tuple[int, int]]:
    """Start and end of every run of rows whose keys are all equal; nulls equal each other."""
    rows = len(keys[0])
    if not rows:
        return
    change = np.zeros(rows - 1, dtype=bool)
    for key in keys:
        codes = key.dictionary_encode(null_encoding="encode").indices.to_numpy()
        change |= codes[1:] != codes[:-1]
    edges = [0, *(np.flatnonzero(change) + 1).tolist(), rows]
    yield from itertools.pairwise(edges)


@dataclass
class Blocks:
    """Cuts bodies into blocks of at most ``limit`` bytes; a body beyond that is a block of its own.

    Where a block ends depends on the sequence of bodies alone, not on how Arrow batches cut it, so a replay
    writes the same bytes. Only a block that spans two Arrow batches is copied.
    """

    limit: int
    _held: bytearray = field(default_factory=bytearray)
    _count: int = 0

    def feed(self, bodies: Bodies) -> Iterator[tuple[int, Buffer]]:
        """(number of bodies, their bytes) of every block known to be complete; the rest is held."""
        offsets, row, rows = bodies.offsets, 0, len(bodies.offsets) - 1
        while row < rows:
            start = int(offsets[row])
            room = start + self.limit - len(self._held)
            end = int(np.searchsorted(offsets, room, side="right")) - 1
            if end >= rows:
                self._hold(rows - row, bodies.data[start : int(offsets[rows])])
                return
            if self._count:
                self._hold(end - row, bodies.data[start : int(offsets[end])])
                yield from self.flush()
            else:
                end = max(end, row + 1)
                yield end - row, bodies.data[start : int(offsets[end])]
            row = end

    def flush(self) -> Iterator[tuple[int, Buffer]]:
        """The last block, if anything is held."""
        if self._count:
            count, held = self._count, self._held
            self._held, self._count = bytearray(), 0
            yield count, held

    def _hold(self, count: int, data: memoryview) -> None:
        self._held += data
        self._count += count
