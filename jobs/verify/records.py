"""Delivery records as the audit takes them apart: the objects they name, the positions their batches read."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jobs.batch import Batch
from jobs.plural import plural
from jobs.sinks.deliveries import read_in_threads
from jobs.sinks.failures import BadKey, CountsDiffer, DeliveryRecordUnreadable, ObjectMissing
from jobs.sinks.names import delivery_record_key, own_key
from jobs.sinks.records import DeliveryRecord, check_counts, from_line
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.offsets import Position
from jobs.verify.findings import FINDING_DDL, Finding
from jobs.verify.listing import partition_of


class Named(NamedTuple):
    """An object that the delivery record ``record`` names; a container has a type and a date, others a message."""

    key: str
    record: str
    type: str | None
    partition_date: str | None
    message: str | None
    events: int
    bytes: int
    sha256: str


class ReadRange(NamedTuple):
    """What a batch read of a shard; the positions as JSON."""

    stream: str
    shard: str
    kind: str
    query_id: str
    batch_id: int
    timestamp: str
    after: str
    to: str
    key: str


class ReadRecord(NamedTuple):
    """A delivery record taken apart, and what is wrong with it; of one that can't be read only that is known."""

    key: str
    problems: list[Finding]
    kind: str | None
    query_id: str | None
    batch_id: int | None
    timestamp: str | None
    read: int
    archived: int
    failed: int
    objects: list[Named]
    ranges: list[ReadRange]


_NAMED = (
    "key string, record string, type string, partition_date string, message string, events bigint, bytes bigint, "
    "sha256 string"
)
RANGE_DDL = (
    "stream string, shard string, kind string, query_id string, batch_id bigint, timestamp string, after string, to string, "
    "key string"
)
RECORD_DDL = (
    f"key string, problems array<struct<{FINDING_DDL}>>, kind string, query_id string, batch_id bigint, "
    "timestamp string, read bigint, archived bigint, failed bigint, "
    f"objects array<struct<{_NAMED}>>, ranges array<struct<{RANGE_DDL}>>"
)


def read_records(storage: Storage, keys: Iterable[str]) -> Iterator[ReadRecord]:
    """The delivery records of these keys, some at a time in threads."""

    def read(key: str) -> ReadRecord | None:
        try:
            record = from_line(storage.get(key), key)
        except (DeliveryRecordUnreadable, BadKey):
            return _nothing_but(Finding("unreadable", key, 1, "is no delivery record"))
        except ObjectMissing:
            return None
        due = _name_of(record)
        if due != key and storage.exists(due):
            return _nothing_but(
                Finding("unnamed", key, 1, f"is another delivery record of the batch of {due}")
            )
        return take_apart(key, record)

    return (one for one in read_in_threads(read, keys) if one is not None)


def _nothing_but(problem: Finding) -> ReadRecord:
    return ReadRecord(problem.key, [problem], None, None, None, None, 0, 0, 0, [], [])


def _name_of(record: DeliveryRecord) -> str:
    return delivery_record_key(Batch(record.kind, record.query_id, record.batch_id, record.timestamp))


def take_apart(key: str, record: DeliveryRecord) -> ReadRecord:
    """The parts of the delivery record that is at ``key``."""
    return ReadRecord(
        key,
        list(_problems(key, record)),
        record.kind,
        record.query_id,
        record.batch_id,
        record.timestamp,
        record.counts.read,
        record.counts.archived,
        record.counts.failed,
        list(named_objects(key, record)),
        list(_ranges(key, record)),
    )


def named_objects(key: str, record: DeliveryRecord) -> Iterator[Named]:
    """The objects that the delivery record at ``key`` names."""
    for one in record.deliveries:
        place = one.type, one.partition_date, None
        yield Named(own_key(one.storage), key, *place, one.count, one.bytes, one.sha256)
    for error in record.errors:
        about = None, None, error.message
        yield Named(own_key(error.storage), key, *about, error.count, error.bytes, error.sha256)


def _problems(key: str, record: DeliveryRecord) -> Iterator[Finding]:
    if (due := _name_of(record)) != key:
        yield Finding("unnamed", key, 1, f"is a delivery record whose name would be {due}")
    elsewhere = sum(_is_elsewhere(one) for one in named_objects(key, record))
    if elsewhere:
        yield Finding(
            "misplaced",
            key,
            elsewhere,
            "says another type or partition date of objects than their folders do",
        )
    try:
        check_counts(record)
    except CountsDiffer:
        yield Finding("count", key, 1, "read = archived + failed, or the objects' counts, don't add up")
    yield from _losses(key, record)


def _is_elsewhere(one: Named) -> bool:
    """Whether the object's folder isn't that of its type and partition date; of an archive error it is none."""
    due = None if one.type is None or one.partition_date is None else (one.type, one.partition_date)
    return partition_of(one.key) != due


def _losses(key: str, record: DeliveryRecord) -> Iterator[Finding]:
    """What the record says that its batch passed over."""
    source = record.source
    for shard, lost in sorted(source.get("lost", {}).items()):
        of, after, to = (
            f"shard {shard} of stream {source.get('stream')}",
            told(lost["after"]),
            told(lost["to"]),
        )
        yield Finding("lost", key, 1, f"{of}: what followed {after} expired unread up to {to}, or may have")
    if expired := source.get("expired"):
        yield Finding(
            "lost", key, expired, f"{plural(expired, 'record')} of the batch expired before its replay"
        )


def told(position: Position) -> str:
    """A position in words."""
    return position["at"] if isinstance(position, dict) else position


def _ranges(key: str, record: DeliveryRecord) -> Iterator[ReadRange]:
    """What the batch read of each shard; nothing for a source that doesn't say."""
    for shard, moved in record.source.get("shards", {}).items():
        batch = record.kind, record.query_id, record.batch_id, record.timestamp
        read = json.dumps(moved["after"]), json.dumps(moved["to"])
        yield ReadRange(str(record.source["stream"]), shard, *batch, *read, key)
