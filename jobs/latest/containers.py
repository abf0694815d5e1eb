"""The containers that delivery records name, as the steps of the tables keep them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jobs.sinks.deliveries import read_in_threads
from jobs.sinks.failures import DeliveryRecordUnreadable
from jobs.sinks.names import own_key
from jobs.sinks.records import DeliveryRecord, from_line
from jobs.sinks.storage import Storage


class Container(NamedTuple):
    """A container: its record type, its key below the archive's root, and what its delivery record says of it."""

    type: str
    key: str
    events: int
    bytes: int
    sha256: str


CONTAINER_DDL = "type string, key string, events bigint, bytes bigint, sha256 string"


class Named(NamedTuple):
    """What a delivery record names: containers, or, where it can't be read, None and what is wrong with it."""

    key: str
    containers: list[Container] | None
    unreadable: str | None = None


NAMED_DDL = f"key string, containers array<struct<{CONTAINER_DDL}>>, unreadable string"


def read_delivery_records(storage: Storage, keys: Iterable[str]) -> Iterator[Named]:
    """What each delivery record names, some read at a time in threads. Raises ``StorageError``."""

    def read(key: str) -> Named:
        try:
            return Named(key, list(_named_by(from_line(storage.get(key), key))))
        except DeliveryRecordUnreadable as error:
            return Named(key, None, error.message)

    return read_in_threads(read, keys)


def _named_by(record: DeliveryRecord) -> Iterator[Container]:
    for one in record.deliveries:
        yield Container(one.type, own_key(one.storage), one.count, one.bytes, one.sha256)
