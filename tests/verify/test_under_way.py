"""A job may be at work while the archive is audited: what its batch writes isn't damage."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.demo.emulator import Emulator
from jobs.instants import iso
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.records import delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage
from jobs.verify.audit import Audit
from tests.verify.conftest import copy, empty
from tests.verify.making import BATCHES, QUERY


@pytest.fixture
def storage(archive: Storage, on_aws: Emulator, tmp_path: Path) -> Storage:
    return copy(archive, empty("file", on_aws, tmp_path))


@contextmanager
def finishing_soon(storage: Storage, batch: Batch, written: WrittenObject) -> Iterator[None]:
    """The batch's delivery record appears while the audit runs."""
    record = delivery_record(batch, version="1", source={}, read=written.count, written=[written])
    timer = threading.Timer(8, lambda: write_delivery_record(storage, batch, record))
    timer.start()
    try:
        yield
    finally:
        timer.join(30)


def test_a_batch_under_way_is_waited_for_and_what_a_killed_one_left_is_found(
    storage: Storage, spark: SparkSession
) -> None:
    batch = Batch("stream", QUERY, len(BATCHES), iso(datetime.now(UTC)))
    body = b'{"timestamp":"","error":{"message":"m"},"events":["{}"]}'
    key, left = (f"errors/{batch.name(name)}.json" for name in ("m", "left"))
    storage.put(key, body)
    storage.put(left, body)
    written = WrittenObject("error", None, None, "m", 0, 1, len(body), "", storage.location(key))
    with finishing_soon(storage, batch, written):
        found = Audit(spark, storage, (), settle_seconds=20).findings.collect()
    assert [(row.kind, row.key) for row in found] == [("unnamed", left)]
