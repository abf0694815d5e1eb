"""What the report tells, added up from delivery records as they go by; no object of ``data/`` or ``errors/`` is read."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from jobs.instants import from_iso
from jobs.sinks.deliveries import Dated
from jobs.sinks.names import own_key
from jobs.sinks.records import DeliveryRecord, Partition


class BatchFigures(NamedTuple):
    """A batch or a step: ``seconds`` from its time to its delivery record, None for a backfill's, whose time is the run's.

    ``bytes`` are of its ``objects``: containers and error objects.
    """

    time: str
    kind: str
    query_id: str
    batch_id: int
    read: int
    archived: int
    failed: int
    objects: int
    bytes: int
    seconds: float | None


@dataclass
class PartitionFigures:
    """What was written to a partition: containers, their records and bytes."""

    containers: int = 0
    records: int = 0
    bytes: int = 0


class OpenErrors(NamedTuple):
    """Change events in archive errors of a message that no redrive has archived, and the error objects they are in.

    ``oldest`` and ``newest`` are times of batches.
    """

    message: str
    events: int
    objects: int
    oldest: str
    newest: str


class _ErrorObject(NamedTuple):
    message: str
    time: str
    events: int


@dataclass
class Figures:
    """Everything that the report shows. Days are those of the batches' times (UTC).

    ``archived`` counts records by day and type, ``failed`` change events by day and message, as they failed: a redrive
    takes nothing off. ``unreadable`` are keys of delivery records: what these name is in none of the others.
    """

    batches: list[BatchFigures] = field(default_factory=list)
    archived: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    partitions: dict[Partition, PartitionFigures] = field(
        default_factory=lambda: defaultdict(PartitionFigures)
    )
    unreadable: list[str] = field(default_factory=list)
    _errors: dict[str, _ErrorObject] = field(default_factory=dict)
    _redriven: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def add(self, written: datetime, record: DeliveryRecord) -> None:
        """Add a delivery record, and when it was written."""
        day = record.timestamp[:10]
        self.batches.append(_batch(written, record))
        for one in record.deliveries:
            self.archived[day, one.type] += one.count
            partition = self.partitions[one.type, one.partition_date]
            partition.containers += 1
            partition.records += one.count
            partition.bytes += one.bytes
        for error in record.errors:
            self.failed[day, error.message] += error.count
            self._errors[own_key(error.storage)] = _ErrorObject(error.message, record.timestamp, error.count)
        if record.kind == "redrive":
            for key, indices in record.source["errors"].items():
                self._redriven[key].update(indices)

    @property
    def days(self) -> list[str]:
        """Every day with a batch, in order."""
        return sorted({batch.time[:10] for batch in self.batches})

    @property
    def open_errors(self) -> list[OpenErrors]:
        """What a redrive could take, the most events first."""
        left: dict[str, list[_ErrorObject]] = defaultdict(list)
        for key, one in self._errors.items():
            events = one.events - len(self._redriven.get(key, ()))
            if events > 0:
                left[one.message].append(one._replace(events=events))
        found = (_open(message, objects) for message, objects in left.items())
        return sorted(found, key=lambda one: (-one.events, one.message))


def figures(records: Iterable[Dated]) -> Figures:
    """The figures of delivery records, in the order of their batches' times, each with when it was written."""
    made = Figures()
    for key, written, record in records:
        if record is None:
            made.unreadable.append(key)
        else:
            made.add(written, record)
    return made


def _batch(written: datetime, record: DeliveryRecord) -> BatchFigures:
    sizes = [one.bytes for one in record.deliveries] + [one.bytes for one in record.errors]
    took = (written - from_iso(record.timestamp)).total_seconds() if record.kind == "stream" else None
    return BatchFigures(
        record.timestamp,
        record.kind,
        record.query_id,
        record.batch_id,
        record.counts.read,
        record.counts.archived,
        record.counts.failed,
        len(sizes),
        sum(sizes),
        # S3 tells whole seconds, and by another clock.
        None if took is None else max(0.0, took),
    )


def _open(message: str, objects: list[_ErrorObject]) -> OpenErrors:
    times = [one.time for one in objects]
    return OpenErrors(message, sum(one.events for one in objects), len(objects), min(times), max(times))
