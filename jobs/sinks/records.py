"""The delivery record and its JSON, as docs/archive-layout.md describes it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from jobs.batch import Batch
from jobs.sinks.failures import CountsDiffer, DeliveryRecordUnreadable
from jobs.sinks.results import WrittenObject
from jobs.sinks.shapes import check_shape
from jobs.sinks.storage import Location

Partition = tuple[str, str]
"""(record type, partition date)."""


@dataclass(frozen=True)
class ArchiveDelivery:
    """One container: the domain's ArchiveDelivery."""

    type: str
    partition_date: str
    count: int
    bytes: int
    sha256: str
    storage: Location


@dataclass(frozen=True)
class ArchiveErrorObject:
    """One error object: where the domain's ArchiveError of a message is."""

    message: str
    count: int
    bytes: int
    sha256: str
    storage: Location


@dataclass(frozen=True)
class Counts:
    """Change events read, archived as records, and held in error objects."""

    read: int
    archived: int
    failed: int


@dataclass(frozen=True)
class DeliveryRecord:
    """The record of one batch.

    ``source`` is ``{stream, shards: {shardId: {after, to}}}`` or ``{input…}``, where records were lost with ``lost`` or
    ``expired``; ``version`` the code's version, ``pending_partitions`` what the catalog hadn't taken when the record was written.
    """

    kind: str
    query_id: str
    batch_id: int
    timestamp: str
    version: str
    source: Mapping[str, Any]
    counts: Counts
    deliveries: tuple[ArchiveDelivery, ...]
    errors: tuple[ArchiveErrorObject, ...]
    pending_partitions: tuple[Partition, ...]

    @property
    def partitions(self) -> set[Partition]:
        """The partitions that the containers are in."""
        return {(delivery.type, delivery.partition_date) for delivery in self.deliveries}

    def names(self, key: str) -> bool:
        """Whether the object with that key, relative to the archive's root, is archived by this record."""
        return key in self._endings

    @cached_property
    def _endings(self) -> frozenset[str]:
        """The keys of all objects, and what is left of each without its first folders: the archive may have been moved."""
        places = [one.storage for one in self.deliveries] + [one.storage for one in self.errors]
        keys = (place["key"].split("/") for place in places)
        return frozenset("/".join(parts[first:]) for parts in keys for first in range(len(parts)))


def delivery_record(
    batch: Batch,
    *,
    version: str,
    source: Mapping[str, Any],
    read: int,
    written: Iterable[WrittenObject],
    pending: Iterable[Partition] = (),
) -> DeliveryRecord:
    """The record of a batch that read so many change events and wrote those objects.

    Raises ``CountsDiffer`` unless every change event read is in exactly one of the objects.
    """
    objects = sorted(written, key=lambda one: one.order)
    deliveries = tuple(_delivery(one) for one in objects if one.kind == "delivery")
    errors = tuple(_error(one) for one in objects if one.kind == "error")
    counts = Counts(read, sum(one.count for one in deliveries), sum(one.count for one in errors))
    record = DeliveryRecord(
        batch.kind,
        batch.query_id,
        batch.batch_id,
        batch.timestamp,
        version,
        source,
        counts,
        deliveries,
        errors,
        tuple(sorted(pending)),
    )
    check_counts(record)
    return record


def check_counts(record: DeliveryRecord) -> None:
    """Raise ``CountsDiffer`` unless read = archived + failed and the objects add up to these."""
    counts = record.counts
    archived = sum(delivery.count for delivery in record.deliveries)
    failed = sum(error.count for error in record.errors)
    if (counts.archived, counts.failed) != (archived, failed) or counts.read != archived + failed:
        raise CountsDiffer(
            f"batch {record.batch_id} of {record.query_id} read {counts.read} change events but wrote "
            f"{archived} archived and {failed} failed ones: it is not committed; report this as a bug"
        )


def to_json(record: DeliveryRecord) -> dict[str, Any]:
    """The record as the JSON object of docs/archive-layout.md, keys in that order."""
    return {
        "kind": record.kind,
        "queryId": record.query_id,
        "batchId": record.batch_id,
        "timestamp": record.timestamp,
        "version": record.version,
        "source": record.source,
        "counts": asdict(record.counts),
        "deliveries": [_camel(asdict(delivery)) for delivery in record.deliveries],
        "errors": [asdict(error) for error in record.errors],
        "pendingPartitions": [
            {"type": type, "partitionDate": date} for type, date in record.pending_partitions
        ],
    }


def to_line(record: DeliveryRecord) -> bytes:
    """The record as one line: the same bytes for an equal record, whatever order ``source`` was filled in."""
    content = to_json(record)
    content["source"] = json.loads(json.dumps(content["source"], sort_keys=True))
    return f"{json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n".encode()


def from_line(line: bytes, key: str) -> DeliveryRecord:
    """The record that the object ``key`` holds; raises ``DeliveryRecordUnreadable``."""
    try:
        content = json.loads(line)
        check_shape(content)
        return _from_json(content)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DeliveryRecordUnreadable(
            f"{key} is no delivery record: somebody else wrote or cut it"
        ) from error


def _from_json(content: dict[str, Any]) -> DeliveryRecord:
    return DeliveryRecord(
        kind=content["kind"],
        query_id=content["queryId"],
        batch_id=content["batchId"],
        timestamp=content["timestamp"],
        version=content["version"],
        source=content["source"],
        counts=Counts(**content["counts"]),
        deliveries=tuple(
            ArchiveDelivery(partition_date=one.pop("partitionDate"), **one) for one in content["deliveries"]
        ),
        errors=tuple(ArchiveErrorObject(**one) for one in content["errors"]),
        pending_partitions=tuple((one["type"], one["partitionDate"]) for one in content["pendingPartitions"]),
    )


def _camel(delivery: dict[str, Any]) -> dict[str, Any]:
    return {"partitionDate" if name == "partition_date" else name: value for name, value in delivery.items()}


def _delivery(one: WrittenObject) -> ArchiveDelivery:
    type, date = str(one.type), str(one.partition_date)
    return ArchiveDelivery(type, date, one.count, one.bytes, one.sha256, one.storage)


def _error(one: WrittenObject) -> ArchiveErrorObject:
    return ArchiveErrorObject(str(one.message), one.count, one.bytes, one.sha256, one.storage)
