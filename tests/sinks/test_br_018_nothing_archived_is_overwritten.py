"""BR-018: an object is archived once a delivery record names it, and then it stays as it is."""

import hashlib
import threading
import time
from collections.abc import Callable

import pytest

from jobs.batch import Batch
from jobs.sinks.blocks import Group
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.failures import ArchivedObjectDiffers, ObjectExists, StorageUnreachable
from jobs.sinks.names import container_key
from jobs.sinks.records import delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.rolling import FinishedObject
from jobs.sinks.storage import Storage
from jobs.sinks.store import UPLOAD_BYTES, UPLOADS, Uploads, store

DATE = "2026-02-28"


def finished(batch: Batch, body: bytes, roll: int = 0) -> FinishedObject:
    key = container_key(batch, "sale", DATE, roll)
    return FinishedObject(Group("sale", DATE, None), roll, key, 1, bytearray(body))


def commit(storage: Storage, batch: Batch, *written: WrittenObject) -> None:
    record = delivery_record(batch, version="1", source={}, read=len(written), written=written)
    write_delivery_record(storage, batch, record)


def test_the_first_write_is_told(storage: Storage, batch: Batch) -> None:
    written = store(storage, batch, finished(batch, b"first", roll=2))
    key = container_key(batch, "sale", DATE, 2)
    assert written == WrittenObject(
        kind="delivery",
        type="sale",
        partition_date=DATE,
        message=None,
        roll=2,
        count=1,
        bytes=5,
        sha256=hashlib.sha256(b"first").hexdigest(),
        storage=storage.location(key),
    )
    assert storage.get(key) == b"first"


def test_a_replay_finds_its_bytes_there(storage: Storage, batch: Batch) -> None:
    first = store(storage, batch, finished(batch, b"first"))
    assert store(storage, batch, finished(batch, b"first")) == first
    commit(storage, batch, first)
    assert store(storage, batch, finished(batch, b"first")) == first


def test_what_an_unfinished_attempt_left_is_replaced(storage: Storage, batch: Batch) -> None:
    store(storage, batch, finished(batch, b"left over"))
    written = store(storage, batch, finished(batch, b"as it should be"))
    assert storage.get(container_key(batch, "sale", DATE, 0)) == b"as it should be"
    assert written.sha256 == hashlib.sha256(b"as it should be").hexdigest()


def test_what_a_delivery_record_names_is_never_replaced(storage: Storage, batch: Batch) -> None:
    commit(storage, batch, store(storage, batch, finished(batch, b"archived")))
    with pytest.raises(ArchivedObjectDiffers, match="data/sale"):
        store(storage, batch, finished(batch, b"other bytes"))
    assert storage.get(container_key(batch, "sale", DATE, 0)) == b"archived"


def test_what_the_batchs_record_does_not_name_is_a_leftover_too(storage: Storage, batch: Batch) -> None:
    commit(storage, batch, store(storage, batch, finished(batch, b"archived", roll=0)))
    store(storage, batch, finished(batch, b"left over", roll=1))
    store(storage, batch, finished(batch, b"as it should be", roll=1))
    assert storage.get(container_key(batch, "sale", DATE, 1)) == b"as it should be"


def test_a_record_of_an_archive_that_was_moved_still_protects(batch: Batch, bucket: str) -> None:
    from jobs.sinks.storage import open_storage

    old, new = open_storage(f"s3://{bucket}/old"), open_storage(f"s3://{bucket}/new")
    commit(old, batch, store(old, batch, finished(batch, b"archived")))
    for key in old.list():
        new.put(key, old.get(key))
    with pytest.raises(ArchivedObjectDiffers):
        store(new, batch, finished(batch, b"other bytes"))


def slow(seconds: float = 0.02) -> Callable[[FinishedObject], WrittenObject]:
    def put(one: FinishedObject) -> WrittenObject:
        time.sleep(seconds / (one.roll + 1))
        location = {"type": "file", "bucket": "/", "key": one.key}
        return WrittenObject("delivery", "sale", DATE, None, one.roll, 1, len(one.body), "", location)  # type: ignore[arg-type]

    return put


def test_puts_go_in_parallel_and_are_told_in_order(batch: Batch) -> None:
    together = threading.Barrier(UPLOADS, timeout=20)

    def put(one: FinishedObject) -> WrittenObject:
        together.wait()
        return slow()(one)

    with Uploads(put) as uploads:
        for roll in range(UPLOADS * 2):
            uploads.add(finished(batch, b"", roll))
        assert [written.roll for written in uploads.results()] == list(range(UPLOADS * 2))


def test_large_objects_are_not_held_by_the_dozen(batch: Batch) -> None:
    held: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def put(one: FinishedObject) -> WrittenObject:
        with lock:
            held.append(len(one.body))
            most.append(sum(held))
        written = slow()(one)
        with lock:
            held.remove(len(one.body))
        return written

    with Uploads(put) as uploads:
        for roll in range(6):
            uploads.add(finished(batch, bytes(UPLOAD_BYTES * 2 // 5), roll))
        uploads.results()
    assert max(most) <= UPLOAD_BYTES
    assert max(most) > UPLOAD_BYTES // 2


@pytest.mark.parametrize("failing", [0, UPLOADS * 2 - 1])
def test_the_first_error_fails_the_task(failing: int, batch: Batch) -> None:
    begun: list[int] = []

    def put(one: FinishedObject) -> WrittenObject:
        begun.append(one.roll)
        if one.roll == failing:
            raise StorageUnreachable("no answer")
        return slow()(one)

    def write() -> None:
        with Uploads(put) as uploads:
            for roll in range(UPLOADS * 2):
                uploads.add(finished(batch, b"", roll))
            uploads.results()

    with pytest.raises(StorageUnreachable):
        write()
    assert failing in begun


def test_an_object_that_comes_and_goes_does_not_loop_for_ever(batch: Batch, directory: Storage) -> None:
    class Flickering(type(directory)):  # type: ignore[misc]
        def put(self, key: str, body: bytes | bytearray) -> None:
            raise ObjectExists("there, and gone at the next look")

    with pytest.raises(ObjectExists):
        store(Flickering("/nowhere"), batch, finished(batch, b""))
