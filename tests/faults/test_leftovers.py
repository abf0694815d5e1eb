"""BR-018: what a killed attempt left and no delivery record names goes; everything else stays."""

import json
from collections.abc import Sequence

import pytest

from jobs.batch import Batch
from jobs.demo.emulator import Emulator
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.leftovers import remove_leftovers
from jobs.sinks.names import container_key, delivery_record_key, error_key
from jobs.sinks.records import DeliveryRecord, delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage
from tests.sinks.conftest import batch, bucket, on_aws, storage

__all__ = ["batch", "bucket", "on_aws", "storage"]

DATE, MESSAGE = "2026-02-28", "sale: id is missing (BR-003)"
KEPT = ("sale", DATE, 0)


def container(storage: Storage, batch: Batch, type: str, date: str, roll: int, ending: str = "avro") -> str:
    """Stores one; returns its key."""
    key = f"{container_key(batch, type, date, roll).removesuffix('avro')}{ending}"
    storage.put(key, b"Obj")
    return key


def error(storage: Storage, batch: Batch, message: str, roll: int = 0) -> str:
    """Stores one; returns its key."""
    key = error_key(batch, message, roll)
    storage.put(key, json.dumps({"timestamp": "", "error": {"message": message}, "events": []}).encode())
    return key


def record_of(storage: Storage, batch: Batch, containers: Sequence[tuple[str, str, int]]) -> DeliveryRecord:
    """Writes the delivery record that names these containers."""
    written = [
        WrittenObject("delivery", type, date, None, roll, 1, 3, "", storage.location(container_key(batch, type, date, roll)))
        for type, date, roll in containers
    ]  # fmt: skip
    record = delivery_record(batch, version="1", source={}, read=len(written), written=written)
    return write_delivery_record(storage, batch, record)


def test_objects_of_the_batch_that_its_record_does_not_name_are_removed(
    storage: Storage, batch: Batch
) -> None:
    kept = container(storage, batch, *KEPT)
    leftovers = {
        container(storage, batch, "sale", DATE, 1),
        container(storage, batch, "sale", DATE, 12),
        container(storage, batch, "sale", DATE, 0, "parquet"),
        container(storage, batch, "demand", "2026-03-02", 0),
        container(storage, batch, "a-type-that-was", DATE, 0),
        error(storage, batch, MESSAGE),
        error(storage, batch, MESSAGE, 3),
    }
    record = record_of(storage, batch, [KEPT])
    assert set(remove_leftovers(storage, batch, record)) == leftovers
    assert set(storage.list()) == {kept, delivery_record_key(batch)}
    assert remove_leftovers(storage, batch, record) == []


def test_objects_of_other_batches_stay_even_such_of_the_same_instant(storage: Storage, batch: Batch) -> None:
    others = [
        Batch(batch.kind, "another-query", batch.batch_id, batch.timestamp),
        Batch(batch.kind, batch.query_id, batch.batch_id + 1, batch.timestamp),
        Batch(batch.kind, batch.query_id, batch.batch_id, "2026-03-01T12:34:56.788Z"),
    ]
    keys = {container(storage, other, "sale", DATE, 0) for other in others}
    keys |= {error(storage, other, MESSAGE) for other in others}
    record = record_of(storage, batch, [])
    assert remove_leftovers(storage, batch, record) == []
    assert set(storage.list()) == keys | {delivery_record_key(batch)}


def test_what_nobody_of_ours_named_stays(storage: Storage, batch: Batch) -> None:
    time = batch.timestamp.replace(":", "-")
    foreign = {
        f"errors/{time}-notes.json",
        f"data/sale/partition_date={DATE}/{time}-mine.avro",
        f"data/elsewhere/{time}-a.avro",
    }
    for key in foreign:
        storage.put(key, b"[]")
    assert remove_leftovers(storage, batch, record_of(storage, batch, [])) == []
    assert set(storage.list()) == foreign | {delivery_record_key(batch)}


@pytest.mark.parametrize("partitions", [3])
def test_it_asks_once_a_partition_however_many_objects_there_are(
    on_aws: Emulator, batch: Batch, bucket: str, monkeypatch: pytest.MonkeyPatch, partitions: int
) -> None:
    from jobs.sinks.storage import open_storage
    from tests.faults.proxy import proxy_of

    storage = open_storage(f"s3://{bucket}/p")
    for day in range(1, partitions + 1):
        for number in range(4):
            container(storage, Batch("stream", "a-query", number, "2026-03-01T00:00:00.000Z"), "sale", f"2026-01-0{day}", 0)  # fmt: skip
    record = record_of(storage, batch, [])
    with proxy_of(on_aws.url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        remove_leftovers(storage, batch, record)
    # One for the types, one for each type's partitions, one a partition, one for errors/.
    assert len(proxy.requests) == 1 + 1 + partitions + 1
