"""The containers that delivery records name, as the steps of the tables keep them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jobs.sinks.deliveries import read_in_threads
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


def read_delivery_records(storage: Storage, keys: Iterable[str]) -> Iterator[tuple[str, list[Container]]]:
    """Key and containers of each delivery record, some at a time in threads. Raises ``DeliveryRecordUnreadable``."""

    def read(key: str) -> tuple[str, list[Container]]:
        return key, list(_named_by(from_line(storage.get(key), key)))

    return read_in_threads(read, keys)


def _named_by(record: DeliveryRecord) -> Iterator[Container]:
    for one in record.deliveries:
        yield Container(one.type, own_key(one.storage), one.count, one.bytes, one.sha256)
