"""Names in the archive (BR-013, 014, 015): they follow from the batch alone, so a replay makes them again."""

import re

from jobs.batch import Batch
from jobs.sinks.storage import Location

PARTITION = r"^data/([^/]+)/partition_date=([^/]+)/"
"""What a container's key begins with, for Python and Java alike: its groups are type and partition date."""

_OWN = re.compile(r"(?:data/[^/]+/partition_date=[^/]+|errors)/[^/]+$")


def container_key(batch: Batch, type: str, partition_date: str, roll: int, ending: str = "avro") -> str:
    """Key of a container (BR-013); ``ending`` is its format.

    >>> container_key(Batch("stream", "q", 0, "2026-03-01T12:34:56.789Z"), "sale", "2026-02-28", 0)
    'data/sale/partition_date=2026-02-28/2026-03-01T12-34-56.789Z-ade88bd1-1756-5daa-8bb4-bd452fd55668.avro'
    """
    return f"{partition_prefix(type, partition_date)}{batch.name(type, partition_date, str(roll))}.{ending}"


def partition_prefix(type: str, partition_date: str) -> str:
    """Folder of a partition, with its slash: what the catalog registers."""
    return f"data/{type}/partition_date={partition_date}/"


def error_key(batch: Batch, message: str, roll: int) -> str:
    """Key of an error object (BR-014)."""
    return f"errors/{batch.name(message, str(roll))}.json"


def delivery_record_key(batch: Batch) -> str:
    """Key of the batch's delivery record, in the folder of the batch's day."""
    return f"deliveries/{batch.timestamp[:10]}/{batch.name('delivery')}.json"


def own_key(location: Location) -> str:
    """The key below the archive's root, wherever that was when the record was written: copies can be audited too.

    >>> own_key({"type": "s3", "bucket": "b", "key": "some/prefix/errors/a.json"})
    'errors/a.json'
    >>> own_key({"type": "s3", "bucket": "b", "key": "data/fans/errors/a.json"})
    'errors/a.json'
    """
    found = _OWN.search(location["key"])
    return found[0] if found else location["key"]
