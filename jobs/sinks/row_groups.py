"""Rows collected into the row groups of a Parquet container."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

SIZE = "size"
"""The column that says how many bytes a record's Avro datum has."""


@dataclass
class RowGroups:
    """Cuts rows into groups whose datums have at most ``limit`` bytes; a datum beyond that is a group of its own.

    Where a group ends depends on the sequence of datums alone, not on how Arrow batches cut it, and each is one
    contiguous batch: so a replay writes the same bytes.
    """

    limit: int
    _held: list[Any] = field(default_factory=list)
    _bytes: int = 0

    def feed(self, rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Every row group known to be complete; the rest is held."""
        ends, row = np.cumsum(rows.column(SIZE).to_numpy().astype(np.int64)), 0
        while row < len(ends):
            before = int(ends[row - 1]) if row else 0
            end = int(np.searchsorted(ends, before + self.limit - self._bytes, side="right"))
            if end == len(ends):
                self._held.append(rows.slice(row))
                self._bytes += int(ends[-1]) - before
                return
            if not self._held:
                end = max(end, row + 1)
            self._held.append(rows.slice(row, end - row))
            yield from self.flush()
            row = end

    def flush(self) -> Iterator[pa.RecordBatch]:
        """The last row group, if anything is held."""
        if self._held:
            held, self._held, self._bytes = self._held, [], 0
            yield pa.concat_batches(held)
