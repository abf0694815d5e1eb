"""Archives that are nothing but delivery records: whatever a report is made from, it is these."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.batch import Batch
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.names import container_key, error_key
from jobs.sinks.records import DeliveryRecord, delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage

Contained = tuple[str, str, int, int]
"""A container: type, partition date, records, bytes."""

MISSING, ODD = (
    "sale: id is missing (BR-003)",
    "the payload is </script><!--<b>not</b> one JSON object & 'more'",
)


def written(
    storage: Storage,
    batch: Batch,
    containers: Sequence[Contained] = (),
    errors: Mapping[str, int] | None = None,
    source: Mapping[str, Any] | None = None,
) -> DeliveryRecord:
    """Writes the delivery record of a batch that wrote these containers and errors, a kilobyte each."""
    objects = [
        WrittenObject("delivery", type, date, None, roll, count, size, "0" * 64, storage.location(container_key(batch, type, date, roll)))
        for roll, (type, date, count, size) in enumerate(containers)
    ]  # fmt: skip
    objects += [
        WrittenObject("error", None, None, message, 0, count, 1000, "0" * 64, storage.location(error_key(batch, message, 0)))
        for message, count in (errors or {}).items()
    ]  # fmt: skip
    read = sum(one.count for one in objects)
    record = delivery_record(batch, version="1", source=source or {}, read=read, written=objects)
    return write_delivery_record(storage, batch, record)


def stream_batch(number: int, time: str) -> Batch:
    return Batch("stream", "a-query", number, time)


def make(storage: Storage) -> list[DeliveryRecord]:
    """Three days of batches, a backfill, and a redrive of some of their errors."""
    made = [
        written(
            storage,
            stream_batch(number, f"2026-03-0{1 + number % 3}T12:{number:02d}:00.000Z"),
            [("demand", f"2026-02-{1 + number % 20:02d}", 10 + number, 5000), ("sale", "2026-02-01", 1, 800)],
            {MISSING: 2, ODD: 1} if number % 2 else {},
        )
        for number in range(20)
    ]
    failed = error_key(stream_batch(1, "2026-03-02T12:01:00.000Z"), MISSING, 0)
    run = Batch("backfill", "a-run", 0, "2026-03-03T00:00:00.000Z")
    redrive = Batch("redrive", "another", 0, "2026-03-04T00:00:00.000Z")
    made.append(written(storage, run, [("event", "2025-12-31", 7, 700)]))
    made.append(written(storage, redrive, [("sale", "2026-02-01", 1, 900)], None, {"errors": {failed: [1]}}))
    return made


def damaged(storage: Storage) -> str:
    """Adds an object among the delivery records that is none; its key."""
    key = "deliveries/2026-03-02/2026-03-02T12-00-30.000Z-cut.json"
    storage.put(key, b'{"kind":"stream","queryId"')
    return key
