"""Files of lines, plain or gzip, read as a stream: memory doesn't grow with a file."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jobs.backfill.errors import BadInput
from jobs.sinks.storage import Storage

READ_BYTES = 8 << 20
CHUNK_BYTES = 1 << 20
MAX_LINE_BYTES = 64 << 20
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Piece:
    """The lines of a file that begin from byte ``start`` on and before ``end``; of a gzip file, all lines.

    ``key`` is the file's in the input's storage and ``size`` its bytes there.
    """

    key: str
    start: int
    end: int
    size: int

    @property
    def is_gzip(self) -> bool:
        """By the file's name."""
        return self.key.endswith(".gz")


def read_lines(storage: Storage, piece: Piece) -> Iterator[list[bytes]]:
    """The piece's lines without the white space around them, some at a time; empty ones are passed over.

    Raises ``BadInput`` where a gzip file is damaged or cut, isn't named ``.gz``, or a line is too long to be an event.
    """
    file: io.BufferedReader[Any] = io.BufferedReader(
        StoredFile(storage, piece.key, piece.size, max(piece.start - 1, 0)), READ_BYTES
    )
    if piece.is_gzip:
        yield from gzip_lines(file, piece.key)
        return
    if not piece.start and file.peek(2)[:2] == _GZIP:
        raise BadInput(f"{piece.key} is a gzip file by its content: give it a name that ends with .gz")
    yield from _split(lambda: file.read1(CHUNK_BYTES), piece)


def gzip_lines(file: io.BufferedReader[Any], name: str) -> Iterator[list[bytes]]:
    """The lines of a whole gzip file, likewise."""
    unpacked = gzip.GzipFile(fileobj=file)
    try:
        yield from _split(lambda: unpacked.read(CHUNK_BYTES), Piece(name, 0, 1 << 62, 1 << 62))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"{name} is no whole gzip file ({type(error).__name__}): fetch it again") from error


def _split(read: Callable[[], bytes], piece: Piece) -> Iterator[list[bytes]]:
    """Lines of what ``read`` gives: a line belongs to the piece in which it begins."""
    held, position = b"", max(piece.start - 1, 0)
    is_inside = not piece.start
    while data := read():
        data, held = held + data, b""
        if not is_inside:
            first = data.find(b"\n") + 1
            if not first:
                position += len(data)
                if position >= piece.end:
                    return
                continue
            is_inside, data, position = True, data[first:], position + first
            if position >= piece.end:
                return
        last = data.find(b"\n", max(piece.end - 1 - position, 0)) + 1
        cut = last or data.rfind(b"\n") + 1
        yield _lines(data[:cut])
        if last:
            return
        held, position = data[cut:], position + cut
        _check_length(len(held), piece.key)
    yield _lines(held)


def _lines(data: bytes) -> list[bytes]:
    return list(filter(None, map(bytes.strip, data.split(b"\n"))))


def _check_length(size: int, name: str) -> None:
    if size > MAX_LINE_BYTES:
        raise BadInput(f"{name} has a line of more than {MAX_LINE_BYTES >> 20} MiB: it holds no JSON lines")


class StoredFile(io.RawIOBase):
    """An object of a storage as a file to be read from ``start`` to its end; ``told`` is given every byte that is read."""

    def __init__(
        self,
        storage: Storage,
        key: str,
        size: int,
        start: int = 0,
        told: Callable[[bytes], None] = lambda data: None,
    ) -> None:
        super().__init__()
        self._storage, self._key, self._size, self._position, self._told = storage, key, size, start, told

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; fewer bytes are only at the end."""
        length = min(len(buffer), self._size - self._position)
        if length <= 0:
            return 0
        data = self._storage.read(self._key, self._position, length)
        buffer[: len(data)] = data
        self._position += len(data)
        self._told(data)
        return len(data)
