"""The driver of an audit holds nothing per object: tasks list them, look at them, and count them."""

import hashlib
import tracemalloc
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.records import delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage, open_storage
from jobs.verify.audit import Audit
from tests.verify.making import BATCHES, containers

FEW, MANY = 15, 150
# What a list of the keys alone would take of the driver.
PER_KEY = 150


def grown(archive: Storage, directory: Path, batches: int) -> Storage:
    """An archive of so many batches, each with a small container in every one of the same folders."""
    storage = open_storage(str(directory))
    made = containers(archive, BATCHES[0])
    bodies = {key.rpartition("/")[0]: (archive.get(key), len(rows)) for key, rows in made}
    for number in range(batches):
        batch = Batch("stream", "a-query", number, BATCHES[0].timestamp)
        written = []
        for folder, (body, count) in bodies.items():
            _, type, date = folder.split("/")
            key = f"{folder}/{batch.name(folder)}.avro"
            storage.put(key, body)
            place, digest = storage.location(key), hashlib.sha256(body).hexdigest()
            date = date.removeprefix("partition_date=")
            written.append(WrittenObject("delivery", type, date, None, 0, count, len(body), digest, place))
        read = sum(one.count for one in written)
        record = delivery_record(batch, version="1", source={}, read=read, written=written)
        write_delivery_record(storage, batch, record)
    return storage


def peak(spark: SparkSession, storage: Storage) -> tuple[int, int]:
    """The objects that an audit looked at, and the most bytes that this process, the driver, held for it at a time."""
    tracemalloc.start()
    try:
        audit = Audit(spark, storage, (), settle_seconds=0)
        assert audit.findings.collect() == []
        return audit.totals["objects"], tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_objects_take_no_more_of_the_drivers_memory(
    archive: Storage, spark: SparkSession, tmp_path: Path
) -> None:
    few, many = grown(archive, tmp_path / "few", FEW), grown(archive, tmp_path / "many", MANY)
    # What is imported and compiled once isn't the audit's.
    peak(spark, few)
    objects, held = peak(spark, few)
    more_objects, held_by_more = peak(spark, many)
    assert more_objects == 10 * objects > 1000
    assert held_by_more - held < PER_KEY * (more_objects - objects) / 2
