"""One batch of the archive job, from its outcomes to its delivery record."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from pyspark.sql import DataFrame

from jobs.batch import Batch
from jobs.catalog import Catalog
from jobs.metrics import Metrics
from jobs.settings import ArchiveSettings
from jobs.sinks.deliveries import check_read, read_delivery_record, write_delivery_record
from jobs.sinks.failures import RecordsExpired
from jobs.sinks.leftovers import remove_leftovers
from jobs.sinks.records import DeliveryRecord, delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage
from jobs.sinks.write import write
from jobs.sources.kinesis.errors import AFTERWARDS
from jobs.version import VERSION
from schemas import RECORD_TYPES, RecordSchema

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
    """Where and how batches are archived: everything that is the same for all of them.

    ``may_lose`` is the conf's leave to go on where a replay finds fewer records than the batch had read.
    ``interrupted`` is the batch that an earlier run began and didn't finish, if there is one: only it can have
    leftovers. ``spread`` is for batches of any size (:func:`jobs.sinks.write.write`). ``metrics`` are told beside the log.
    """

    storage: Storage
    catalog: Catalog
    record_schemas: Mapping[str, RecordSchema]
    settings: ArchiveSettings
    partitions: int
    may_lose: bool = False
    interrupted: int | None = None
    spread: bool = False
    metrics: Metrics | None = None

    def archive(
        self,
        outcomes: DataFrame,
        batch: Batch,
        source: Mapping[str, Any],
        read: int | None,
        lag: Callable[[], int | None],
        confirm: Callable[[], None] = lambda: None,
    ) -> DeliveryRecord:
        """Write the batch, tell the catalog, write the delivery record last, log one line; return the record.

        ``read`` is what the source says it read, None where it doesn't count. ``confirm`` raises where the batch isn't this
        job's any more; it is asked last before the delivery record. A batch that has a delivery record is
        archived: its replay, by whatever code, changes nothing. Raises ``CountsDiffer``,
        ``DeliveryRecordDiffers``, ``RecordsExpired`` and what the parts raise.
        """
        phases = Phases()
        with phases.timed("lookup"):
            known = self._known(batch, source)
        record, without_system = known, None
        if record is None:
            with phases.timed("write"):
                written = self._write(outcomes, batch)
            without_system = sum(one.without_system for one in written)
            record = self._recorded(batch, source, read, written)
        with phases.timed("catalog"):
            pending = self.catalog.register(record.partitions)
        if known is None:
            with phases.timed("record"):
                record = replace(record, pending_partitions=tuple(pending))
                confirm()
                record = write_delivery_record(self.storage, batch, record)
        if batch.batch_id == self.interrupted:
            with phases.timed("leftovers"):
                remove_leftovers(self.storage, batch, record)
        self._tell(record, without_system, phases, lag(), replayed=known is not None)
        return record

    def _known(self, batch: Batch, source: Mapping[str, Any]) -> DeliveryRecord | None:
        record = read_delivery_record(self.storage, batch)
        if record is not None:
            check_read(record, batch, source.get("shards"))
        return record

    def _tell(
        self,
        record: DeliveryRecord,
        without_system: int | None,
        phases: Phases,
        lag_ms: int | None,
        *,
        replayed: bool,
    ) -> None:
        told, seconds = summary(record), phases.seconds
        log.info(
            "batch", **told, withoutSystem=without_system, replayed=replayed, seconds=seconds, lagMs=lag_ms
        )
        if self.metrics:
            self.metrics.tell(record, told, seconds, lag_ms, replayed=replayed)

    def _write(self, outcomes: DataFrame, batch: Batch) -> list[WrittenObject]:
        return write(
            outcomes,
            batch,
            self.storage,
            self.record_schemas,
            partitions=self.partitions,
            containers=self.settings.containers,
            spread=self.spread,
        )

    def _recorded(
        self, batch: Batch, source: Mapping[str, Any], read: int | None, written: list[WrittenObject]
    ) -> DeliveryRecord:
        left = self._accounted(batch, source, read, sum(one.count for one in written))
        if read is not None and left < read:
            source = {**source, "expired": read - left}
        return delivery_record(batch, version=VERSION, source=source, read=left, written=written)

    def _accounted(self, batch: Batch, source: Mapping[str, Any], read: int | None, written: int) -> int:
        """What counts as read: what the source says, unless it doesn't, or some of it expired and conf allows that."""
        if read is None:
            return written
        # Only of a replay: what a batch has just read can't have expired.
        is_cut = written < read and batch.batch_id == self.interrupted and "stream" in source
        if is_cut and self.may_lose:
            log.warning("batch.data_loss", batchId=batch.batch_id, read=read, left=written)
            return written
        if is_cut:
            raise RecordsExpired(
                f"batch {batch.batch_id} of {batch.query_id} had read {read} change events, and its replay finds "
                f"{written}: stream {source.get('stream')} holds the others no longer, they expired before they were "
                "archived. To go on with what is left, start once with --set source.fail_on_data_loss=false, "
                f"{AFTERWARDS}"
            )
        return read


def summary(record: DeliveryRecord) -> dict[str, Any]:
    """What a batch's log line says of its delivery record: counts, objects and bytes, nothing of any record."""
    archived: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    for delivery in record.deliveries:
        archived[delivery.type] += delivery.count
    for error in record.errors:
        failed[_type_of(error.message)] += error.count
        messages[error.message] += error.count
    sizes = [*(each.bytes for each in record.deliveries), *(each.bytes for each in record.errors)]
    return {
        "batchId": record.batch_id,
        "batchTime": record.timestamp,
        "read": record.counts.read,
        "archived": dict(archived),
        "failed": dict(failed),
        "errors": dict(messages),
        "objects": len(sizes),
        "bytes": sum(sizes),
        "pendingPartitions": len(record.pending_partitions),
    }


def _type_of(message: str) -> str:
    """The record type that an archive error's message names, "unknown" where the event never came that far.

    >>> _type_of("demand: fanId is missing (BR-003)"), _type_of("the payload is empty")
    ('demand', 'unknown')
    """
    type, colon, _ = message.partition(":")
    return type if colon and type in RECORD_TYPES else "unknown"
