"""Compression of an Avro container's blocks, as the Avro specification words it."""

import bz2
import zlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from jobs.sinks.failures import UnknownCodec

Buffer = bytes | bytearray | memoryview
Compress = Callable[[Buffer], Buffer]

DEFLATE_LEVEL = 6
ZSTANDARD_LEVEL = 1  # on record datums faster than 3 by half and no larger: ids dominate, and they are random
CODECS = ("null", "deflate", "snappy", "zstandard", "bzip2")


def compressor(codec: str) -> Compress:
    """What turns a block's datums into the bytes of the container; raises ``UnknownCodec``.

    xz is not offered: query engines don't read it.
    """
    makers: dict[str, Callable[[], Compress]] = {
        "null": lambda: lambda block: block,
        "deflate": lambda: _deflate,
        "snappy": _snappy,
        "zstandard": _zstandard,
        "bzip2": lambda: bz2.compress,
    }
    if codec not in makers:
        raise UnknownCodec(f"archive.codec {codec!r} is unknown: choose one of {', '.join(CODECS)}")
    return makers[codec]()


def _deflate(block: Buffer) -> bytes:
    """Raw deflate, without zlib's header and checksum."""
    stream = zlib.compressobj(DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return stream.compress(block) + stream.flush()


def _snappy() -> Compress:
    codec: Any = pa.Codec("snappy")

    def compress(block: Buffer) -> bytes:
        packed: bytes = codec.compress(block, asbytes=True)
        return packed + zlib.crc32(block).to_bytes(4, "big")

    return compress


def _zstandard() -> Compress:
    codec: Any = pa.Codec("zstd", compression_level=ZSTANDARD_LEVEL)

    def compress(block: Buffer) -> bytes:
        packed: bytes = codec.compress(block, asbytes=True)
        return packed

    return compress
