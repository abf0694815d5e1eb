"""Listing an archive in pieces, so that tasks can list them at the same time and nobody holds the whole list."""

import re
from collections.abc import Iterator

from jobs.sinks.names import PARTITION
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage

Piece = tuple[str, str]
"""A prefix and the key after which the piece's keys with that prefix begin."""

A_PAGE = 1000
_LAST = "\U0010ffff"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})Z-[^/]*$")


def pieces(storage: Storage, below: str, after: str = "") -> Iterator[Piece]:
    """Pieces that together list every key that starts with ``below`` and sorts after ``after`` exactly once.

    A piece is a folder, as far as folders don't hold others. After a page of a folder the rest of it is leapt over.
    """
    keys, folder, seen = storage.list(below, after), "", 0
    while (key := next(keys, None)) is not None:
        if not folder or not key.startswith(folder):
            folder, seen = key[: key.rindex("/") + 1], 0
            yield folder, after
        seen, after = seen + 1, key
        if seen == A_PAGE:
            after = folder + _LAST
            keys = storage.list(below, after)


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
