"""One batch of the archive job, from its outcomes to its delivery record."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from pyspark.sql import DataFrame

from jobs.batch import Batch
from jobs.catalog import Catalog
from jobs.settings import ArchiveSettings
from jobs.sinks.deliveries import read_delivery_record, write_delivery_record
from jobs.sinks.records import DeliveryRecord, delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage
from jobs.sinks.write import write
from jobs.version import VERSION
from schemas import RecordSchema

log = structlog.get_logger()


@dataclass
class Phases:
    """Seconds of wall-clock time per phase of a batch, for its log line."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the time that the block takes to the phase."""
        start = time.monotonic()
        yield
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + time.monotonic() - start, 3)


@dataclass(frozen=True)
class Archive:
    """Where and how batches are archived: everything that is the same for all of them."""

    storage: Storage
    catalog: Catalog
    record_schemas: Mapping[str, RecordSchema]
    settings: ArchiveSettings
    partitions: int

    def archive(
        self, outcomes: DataFrame, batch: Batch, source: Mapping[str, Any], lag: Callable[[], Any]
    ) -> None:
        """Write the batch, tell the catalog, write the delivery record last, log one line.

        A batch that has a delivery record is archived: its replay, by whatever code, changes nothing.
        """
        phases = Phases()
        with phases.timed("lookup"):
            record = read_delivery_record(self.storage, batch)
        is_replay = record is not None
        if record is None:
            with phases.timed("write"):
                written = write(
                    outcomes,
                    batch,
                    self.storage,
                    self.record_schemas,
                    partitions=self.partitions,
                    codec=self.settings.codec,
                    max_container_bytes=self.settings.max_container_bytes,
                )
            with phases.timed("catalog"):
                pending = self.catalog.register(_partitions(written))
            with phases.timed("record"):
                record = delivery_record(
                    batch,
                    version=VERSION,
                    source=source,
                    read=_count(written),
                    written=written,
                    pending=pending,
                )
                write_delivery_record(self.storage, batch, record)
        else:
            with phases.timed("catalog"):
                self.catalog.register(record.partitions)
        log.info("batch", **summary(record), replayed=is_replay, seconds=phases.seconds, lagMs=lag())


def _partitions(written: Sequence[WrittenObject]) -> set[tuple[str, str]]:
    return {(str(one.type), str(one.partition_date)) for one in written if one.kind == "delivery"}


def _count(written: Sequence[WrittenObject]) -> int:
    return sum(one.count for one in written)


def summary(record: DeliveryRecord) -> dict[str, Any]:
    """What a batch's log line says of its delivery record: counts, objects and bytes, nothing of any record."""
    archived: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for delivery in record.deliveries:
        archived[delivery.type] += delivery.count
    for error in record.errors:
        failed[error.message] += error.count
    sizes = [*(each.bytes for each in record.deliveries), *(each.bytes for each in record.errors)]
    return {
        "batchId": record.batch_id,
        "batchTime": record.timestamp,
        "read": record.counts.read,
        "archived": dict(archived),
        "failed": dict(failed),
        "objects": len(sizes),
        "bytes": sum(sizes),
        "pendingPartitions": len(record.pending_partitions),
    }
