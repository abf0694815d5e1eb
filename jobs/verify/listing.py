"""Listing an archive in pieces, so that tasks can list them at the same time and nobody holds the whole list."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from jobs.sinks.names import PARTITION
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage, is_safe


class Piece(NamedTuple):
    """Keys with a prefix that sort after ``after``, up to ``last``, if that isn't empty."""

    prefix: str
    after: str
    last: str


class SizedKey(NamedTuple):
    """A key that was listed, whoever put it there, and its object's bytes."""

    key: str
    size: int


A_PAGE = 1000
_LAST = "\U0010ffff"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})Z-[^/]*$")


def pieces(storage: Storage, below: str, after: str = "") -> Iterator[Piece]:
    """Pieces that together list every key that starts with ``below`` and sorts after ``after`` exactly once.

    A piece is what of a folder comes together. After a page of a folder the rest of it, and what is below it, is leapt over
    and in one piece.
    """
    keys = storage.list(below, after)
    folder, begins, last, seen = "", after, after, 0
    while (key := next(keys, None)) is not None:
        if (of := _folder(key)) != folder or not seen:
            if seen:
                yield Piece(folder, begins, last)
            folder, begins, seen = of, last, 0
        last, seen = key, seen + 1
        if seen == A_PAGE:
            yield Piece(folder, begins, "")
            last, seen = folder + _LAST, 0
            keys = storage.list(below, last)
    if seen:
        yield Piece(folder, begins, last)


def keys_of(storage: Storage, piece: Piece) -> Iterator[SizedKey]:
    """The keys of a piece, in order."""
    for key, size in storage.sized(piece.prefix, piece.after):
        if piece.last and key > piece.last:
            break
        # A file's name may be no UTF-8, and such a text can be told nowhere.
        yield SizedKey(key.encode(errors="replace").decode(), size)


def _folder(key: str) -> str:
    """The folder that a key is in, or the next one above it that a storage lists: others' keys may not be safe.

    >>> _folder("data/sale/a.avro"), _folder("data/.x/y/a"), _folder("data//a")
    ('data/sale/', 'data/', 'data/')
    """
    folder = key[: key.rindex("/") + 1]
    while not is_safe(f"{folder}_"):
        folder = folder[: folder.rindex("/", 0, -1) + 1]
    return folder


def partition_of(key: str) -> Partition | None:
    """Type and partition date of the folder that an object is in, None for one that is in no such folder.

    >>> partition_of("data/sale/partition_date=2026-02-28/a.avro"), partition_of("errors/a.json")
    (('sale', '2026-02-28'), None)
    """
    found = re.match(PARTITION, key)
    return (found[1], found[2]) if found else None


def batch_time(key: str) -> str | None:
    """The batch's time in an object's name (BR-015), None where the name isn't one of ours.

    >>> batch_time("errors/2026-03-01T12-34-56.789Z-1bdb1dd2-0ac5-50b0-ba93-aba071a9d7a5.json")
    '2026-03-01T12:34:56.789Z'
    """
    found = _TIME.search(key)
    return f"{found[1]}T{found[2]}:{found[3]}:{found[4]}Z" if found else None
