"""Avro object container files (BR-012, BR-013, BR-016), laid out as the Avro specification says."""

import hashlib
from dataclasses import dataclass

from jobs.batch import Batch
from jobs.sinks.codecs import Buffer, Compress
from jobs.sinks.names import container_key

MAGIC = b"Obj\x01"
SYNC_BYTES = 16


@dataclass(frozen=True)
class ContainerLayout:
    """Containers of one record type and partition date; bodies are bare Avro datums of ``schema_text``."""

    batch: Batch
    type: str
    partition_date: str
    schema_text: str
    codec: str
    compress: Compress
    tail = b""

    def key(self, roll: int) -> str:
        """``data/{type}/partition_date={date}/{timestamp}-{uuid}.avro``."""
        return container_key(self.batch, self.type, self.partition_date, roll)

    def head(self, roll: int) -> bytes:
        """Magic, metadata (schema and codec) and the sync marker."""
        return avro_header(self.schema_text, self.codec) + self._sync(roll)

    def packed(self, block: Buffer) -> Buffer:
        """The block, compressed."""
        return self.compress(block)

    def framed(self, roll: int, first: bool, count: int, packed: Buffer) -> list[Buffer]:
        """Count, size, datums, sync marker."""
        return [avro_long(count) + avro_long(len(packed)), packed, self._sync(roll)]

    def _sync(self, roll: int) -> bytes:
        return sync_marker(self.key(roll))


def sync_marker(key: str) -> bytes:
    """The marker between blocks: from the container's name, so a replay writes the same."""
    return hashlib.sha256(key.encode()).digest()[:SYNC_BYTES]


def avro_header(schema_text: str, codec: str) -> bytes:
    """A container's beginning up to the sync marker."""
    metadata = {"avro.schema": schema_text, "avro.codec": codec}
    pairs = [_avro_bytes(name.encode()) + _avro_bytes(value.encode()) for name, value in metadata.items()]
    return b"".join([MAGIC, avro_long(len(pairs)), *pairs, avro_long(0)])


def avro_long(value: int) -> bytes:
    r"""A number that isn't negative as Avro's zig-zag varint.

    >>> avro_long(0), avro_long(1), avro_long(64)
    (b'\x00', b'\x02', b'\x80\x01')
    """
    value <<= 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _avro_bytes(value: bytes) -> bytes:
    return avro_long(len(value)) + value
