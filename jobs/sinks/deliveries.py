"""Delivery records in the archive: written last, never overwritten, read by everything downstream."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from jobs.batch import Batch
from jobs.sinks.failures import DeliveryRecordDiffers, DeliveryRecordUnreadable, ObjectExists, ObjectMissing
from jobs.sinks.names import delivery_record_key
from jobs.sinks.records import DeliveryRecord, check_counts, from_line, to_line
from jobs.sinks.storage import Storage

READERS = 16
K = TypeVar("K")
T = TypeVar("T")


def write_delivery_record(storage: Storage, batch: Batch, record: DeliveryRecord) -> DeliveryRecord:
    """Write the batch's record after everything it names, and return the one that is in the archive.

    The first record written stays: a replay may run newer code and may find the catalog recovered, so
    ``version`` and ``pendingPartitions`` are not compared with it; everything else must be equal.
    Raises ``CountsDiffer``, ``DeliveryRecordDiffers``.
    """
    check_counts(record)
    key = delivery_record_key(batch)
    line = to_line(record)
    try:
        storage.put(key, line)
    except ObjectExists:
        archived = from_line(storage.get(key), key)
        if to_line(_comparable(archived, record)) != line:
            raise DeliveryRecordDiffers(
                f"{key} says otherwise than this run of batch {batch.batch_id}: it is archived and stays; find out "
                "whether another job uses the same checkpoint, or what made the replay read other change events"
            ) from None
        return archived
    return record


def read_delivery_record(storage: Storage, batch: Batch) -> DeliveryRecord | None:
    """The batch's record, or None where the batch never got that far; raises ``DeliveryRecordUnreadable``."""
    key = delivery_record_key(batch)
    try:
        return from_line(storage.get(key), key)
    except ObjectMissing:
        return None


def check_read(record: DeliveryRecord, batch: Batch, shards: Mapping[str, Any] | None) -> None:
    """Raise ``DeliveryRecordDiffers`` where the batch's record names other positions than ``shards``, those of Spark's log.

    Taken for archived, the batch would be committed up to where nobody has archived what the stream holds.
    """
    if record.source.get("shards") != shards:
        raise DeliveryRecordDiffers(
            f"batch {batch.batch_id} of {batch.query_id} is archived, and its delivery record {delivery_record_key(batch)} "
            "names other positions in the stream than the checkpoint: another job used the checkpoint, or it was restored. "
            "Make a new one with `python -m jobs.doctor --rewind`, from before the batch; jobs.verify tells what is twice then"
        )


def iter_delivery_records(storage: Storage, since: str | None = None) -> Iterator[DeliveryRecord]:
    """All records in the order of their batches' times, from ``since`` (a batch's timestamp, or a day) on.

    A record appears when its batch is complete, so later than its timestamp says: who follows the archive
    starts a little before the newest record seen. Raises ``DeliveryRecordUnreadable``.
    """
    keys = storage.list("deliveries/", _before(since))
    return read_in_threads(lambda key: from_line(storage.get(key), key), keys)


def iter_records_backwards(storage: Storage, before: str) -> Iterator[DeliveryRecord]:
    """The records of batches from before that timestamp, the newest first; each is read when it is asked for."""
    for day in reversed(list(storage.folders("deliveries/"))):
        for key in reversed(list(storage.list(day)) if day <= _before(before) else []):
            if key < _before(before):
                yield from_line(storage.get(key), key)


class Dated(NamedTuple):
    """A delivery record, None where the object at ``key`` isn't one, and when it was written: then its batch was complete."""

    key: str
    written: datetime
    record: DeliveryRecord | None


def iter_dated_records(storage: Storage, since: str | None = None) -> Iterator[Dated]:
    """As :func:`iter_delivery_records`, each with when it was written; goes on where one is unreadable."""

    def read(dated: tuple[str, datetime]) -> Dated:
        key, at = dated
        try:
            return Dated(key, at, from_line(storage.get(key), key))
        except DeliveryRecordUnreadable:
            return Dated(key, at, None)

    return read_in_threads(read, storage.dated("deliveries/", _before(since)))


def _before(since: str | None) -> str:
    return f"deliveries/{since[:10]}/{since.replace(':', '-')}" if since else ""


def read_in_threads(read: Callable[[K], T], keys: Iterable[K]) -> Iterator[T]:
    """What ``read`` makes of each key, in their order; no more of them at a time than threads are kept busy by."""
    remaining = iter(keys)
    with ThreadPoolExecutor(READERS) as readers:
        while window := list(islice(remaining, READERS * 4)):
            yield from readers.map(read, window)


def _comparable(archived: DeliveryRecord, record: DeliveryRecord) -> DeliveryRecord:
    return replace(archived, version=record.version, pending_partitions=record.pending_partitions)
