"""Parquet containers (BR-012, BR-013, BR-016): a group's records as typed columns, in row groups."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.batch import Batch
from jobs.sinks.blocks import NO_BODY, Group
from jobs.sinks.codecs import DEFLATE_LEVEL, ZSTANDARD_LEVEL
from jobs.sinks.failures import BadOutcomes
from jobs.sinks.names import container_key
from jobs.sinks.rolling import SMALLEST_SHARE, FinishedObject
from jobs.sinks.row_groups import SIZE, RowGroups

ROW_GROUP_BYTES = 8 << 20
COMPRESSION: dict[str, dict[str, Any]] = {
    "null": {"compression": "none"},
    "deflate": {"compression": "gzip", "compression_level": DEFLATE_LEVEL},
    "snappy": {"compression": "snappy"},
    "zstandard": {"compression": "zstd", "compression_level": ZSTANDARD_LEVEL},
}
"""What ``archive.codec`` is in Parquet, which has no bzip2."""

# The most that a value takes beside what it takes in the datum (its levels, its index in a dictionary, a fixed width;
# not what it takes in Arrow, which depends on the rows beside it), and a column of a row group beside its values
# (headers of pages, its part of the footer), but for the values kept as statistics.
_A_VALUE, _A_COLUMN = 20, 1024
_STATISTICS, _LONGEST_STATISTIC = 2, 4096


@dataclass(frozen=True)
class ParquetLayout:
    """Containers of one record type and partition date; the metadata carry ``schema_text`` as Avro's do."""

    batch: Batch
    type: str
    partition_date: str
    schema_text: str
    codec: str

    def key(self, roll: int) -> str:
        """``data/{type}/partition_date={date}/{timestamp}-{uuid}.parquet``."""
        return container_key(self.batch, self.type, self.partition_date, roll, "parquet")

    def writer(self, sink: pa.BufferOutputStream, schema: pa.Schema) -> pq.ParquetWriter:
        """What writes a container's row groups into ``sink``."""
        # The Arrow schema stays out: engines don't read it, and it would tell of how the rows came here.
        writer = pq.ParquetWriter(sink, schema, store_schema=False, **COMPRESSION[self.codec])
        writer.add_key_value_metadata({"avro.schema": self.schema_text})
        return writer


@dataclass
class RollingParquet:
    """The Parquet containers of one group: takes rows, hands out each container as soon as it is complete.

    A container passes ``max_bytes`` only where a single record does. A row group can't be taken back once it is
    written, so a container ends where the next one might not fit. Roll numbers are as in
    :class:`jobs.sinks.rolling.RollingObject`.
    """

    group: Group
    layout: ParquetLayout
    max_bytes: int
    done: Callable[[FinishedObject], None]
    _row_groups: RowGroups = field(init=False)
    _sink: Any = None
    _writer: Any = None
    _footer: int = 0
    _count: int = 0
    _without_system: int = 0
    _roll: int = field(init=False)

    def __post_init__(self) -> None:
        self._roll = self.group.part
        self._row_groups = RowGroups(min(ROW_GROUP_BYTES, max(1, self.max_bytes // SMALLEST_SHARE)))

    def add(self, rows: pa.RecordBatch) -> None:
        """Append rows that follow the ones added before: columns as ``write`` gives them for Parquet.

        Raises ``BadOutcomes`` on a row without a record.
        """
        if rows.column(self.layout.type).null_count or rows.column(SIZE).null_count:
            raise BadOutcomes(NO_BODY)
        for row_group in self._row_groups.feed(rows):
            self._append(row_group)

    def close(self) -> None:
        """Hand out the last container."""
        for row_group in self._row_groups.flush():
            self._append(row_group)
        self._finish()

    def _append(self, rows: pa.RecordBatch) -> None:
        records = _records(rows.column(self.layout.type))
        sizes = rows.column(SIZE).to_numpy()
        footer = _most_of_footer(records.schema, longest=int(sizes.max()))
        # Twice, because the headers of pages hold statistics too.
        most = int(sizes.sum()) + _A_VALUE * sum(map(_values, records.columns)) + 2 * footer
        if self._count and self._sink.tell() + self._footer + most > self.max_bytes:
            self._finish()
        if self._writer is None:
            self._sink = pa.BufferOutputStream()
            self._writer = self.layout.writer(self._sink, records.schema)
            self._footer = _A_COLUMN * len(records.schema) + len(self.layout.schema_text)
        self._writer.write_batch(records, row_group_size=len(records))
        self._footer += footer
        self._count += len(records)
        self._without_system += rows.column("withoutSystem").true_count

    def _finish(self) -> None:
        if self._count:
            self._writer.close()
            body = self._sink.getvalue().to_pybytes()
            key = self.layout.key(self._roll)
            self.done(FinishedObject(self.group, self._roll, key, self._count, body, self._without_system))
            self._sink = self._writer = None
            self._count = self._without_system = 0
            self._roll += self.group.parts


def _records(column: Any) -> pa.RecordBatch:
    """The records' columns. What is required inside of an optional record is optional: else Arrow refuses to write it."""
    records = pa.RecordBatch.from_struct_array(column)
    return records.cast(pa.schema([_writable(each) for each in records.schema]))


def _writable(field: pa.Field, is_inside: bool = False) -> pa.Field:
    """The field, with members that are optional from the first optional record on."""
    kind, nullable = field.type, field.nullable or is_inside
    if pa.types.is_struct(kind):
        kind = pa.struct([_writable(each, nullable) for each in kind])
    elif pa.types.is_map(kind):
        kind = pa.map_(kind.key_field, _writable(kind.item_field))
    elif pa.types.is_list(kind):
        kind = pa.list_(_writable(kind.value_field))
    return pa.field(field.name, kind, nullable)


def _most_of_footer(schema: pa.Schema, longest: int) -> int:
    """The most bytes that a row group's part of the footer can take; no record's datum has more than ``longest``."""
    statistics = _STATISTICS * min(longest, _LONGEST_STATISTIC)
    return sum(_columns(kind) for kind in schema.types) * (_A_COLUMN + statistics)


def _columns(kind: Any) -> int:
    """How many columns Parquet has for an Arrow type."""
    return sum(_columns(kind.field(number).type) for number in range(kind.num_fields)) or 1


def _values(array: Any) -> int:
    """How many values Parquet keeps for an Arrow array, nulls and empty lists counted."""
    kind = array.type
    if pa.types.is_struct(kind):
        return sum(map(_values, array.flatten()))
    if pa.types.is_map(kind):
        return len(array) + _values(array.keys) + _values(array.items)
    if pa.types.is_list(kind):
        return len(array) + _values(array.values)
    return len(array)
