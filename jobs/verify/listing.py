"""Listing an archive in pieces, so that tasks can list them at the same time and nobody holds the whole list."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from jobs.sinks.names import PARTITION
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage, is_safe

A_PAGE = 1000
# Folders of folders: an object that lies in one of them itself is none of ours.
_INNER = re.compile(r"(?:data|data/[^/]+|deliveries)/[^/]+")
_LAST = "\U0010ffff"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})Z-[^/]*$")


class Piece(NamedTuple):
    """The keys in a folder that come after a key, or, where the folder is empty, that key alone."""

    folder: str
    after: str

    def keys(self, storage: Storage) -> Iterator[str]:
        """The piece's keys."""
        return storage.list(self.folder, self.after) if self.folder else iter([self.after])


def pieces(storage: Storage, below: str, after: str = "") -> Iterator[Piece]:
    """Pieces that together list every key that starts with ``below`` and sorts after ``after`` exactly once.

    A piece is a folder, as far as folders don't hold others. After a page of a folder the rest of it is leapt over.
    """
    keys, folder, seen = storage.list(below, after), "", 0
    while (key := next(keys, None)) is not None:
        if not folder or not key.startswith(folder):
            if _INNER.fullmatch(key):
                yield Piece("", key)
                after = key
                continue
            folder, seen = _folder_of(key), 0
            yield Piece(folder, after)
        seen, after = seen + 1, key
        if seen == A_PAGE:
            after = folder + _LAST
            keys = storage.list(below, after)


def _folder_of(key: str) -> str:
    """The innermost folder that a storage lists by its name: what else lies in there comes with it."""
    *folders, _ = key.split("/")
    while not is_safe("/".join(folders)):
        folders.pop()
    return "/".join([*folders, ""])


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
