"""Storing a batch's objects: several PUTs at a time, and nothing archived is ever overwritten (BR-018)."""

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from jobs.batch import Batch
from jobs.sinks.deliveries import read_delivery_record
from jobs.sinks.failures import ArchivedObjectDiffers, ObjectChanged, ObjectExists
from jobs.sinks.results import WrittenObject
from jobs.sinks.rolling import FinishedObject
from jobs.sinks.storage import Storage

UPLOADS = 8
UPLOAD_BYTES = 64 << 20
SETTLE_ATTEMPTS = 3


def store(storage: Storage, batch: Batch, finished: FinishedObject) -> WrittenObject:
    """Store one object under its name and tell what was stored.

    Where an object of that name is there: the same bytes are fine; other bytes that the batch's delivery
    record names raise ``ArchivedObjectDiffers``; others are left by an attempt that never got that far and
    are replaced.
    """
    digest = hashlib.sha256(finished.body).hexdigest()
    for attempt in range(SETTLE_ATTEMPTS):
        try:
            _put_or_settle(storage, batch, finished, digest)
            break
        except (ObjectExists, ObjectChanged):
            if attempt == SETTLE_ATTEMPTS - 1:
                raise
    group = finished.group
    return WrittenObject(
        kind="delivery" if group.message is None else "error",
        type=group.type,
        partition_date=group.partition_date,
        message=group.message,
        roll=finished.roll,
        count=finished.count,
        bytes=len(finished.body),
        sha256=digest,
        storage=storage.location(finished.key),
        without_system=finished.without_system,
    )


def _put_or_settle(storage: Storage, batch: Batch, finished: FinishedObject, digest: str) -> None:
    try:
        storage.put(finished.key, finished.body)
    except ObjectExists:
        stored = storage.stat(finished.key)
        if stored is None:
            raise
        if stored.sha256 == digest:
            return
        record = read_delivery_record(storage, batch)
        if record and record.names(finished.key):
            raise ArchivedObjectDiffers(
                f"{finished.key} is archived with other bytes than this replay of batch {batch.batch_id} made: "
                "it stays; replay with the version that the delivery record names, or begin a new checkpoint"
            ) from None
        storage.replace(finished.key, finished.body, stored.version)


class Uploads:
    """Stores objects in threads, a bounded number and size at a time; results come in the order of adding.

    As a context manager: leaving it by an error drops what hasn't begun.
    """

    def __init__(self, put: Callable[[FinishedObject], WrittenObject]) -> None:
        self._put = put
        self._threads = ThreadPoolExecutor(UPLOADS, thread_name_prefix="upload")
        self._waiting: deque[tuple[Future[WrittenObject], int]] = deque()
        self._bytes = 0
        self._written: list[WrittenObject] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def add(self, finished: FinishedObject) -> None:
        """Begin to store the object, waiting for room first; raises what an earlier one ran into."""
        size = len(finished.body)
        while self._waiting and (len(self._waiting) >= UPLOADS or self._bytes + size > UPLOAD_BYTES):
            self._collect()
        self._waiting.append((self._threads.submit(self._put, finished), size))
        self._bytes += size

    def results(self) -> list[WrittenObject]:
        """Wait for all of them; raises what the first one to fail ran into."""
        while self._waiting:
            self._collect()
        return self._written

    def _collect(self) -> None:
        future, size = self._waiting.popleft()
        self._written.append(future.result())
        self._bytes -= size
