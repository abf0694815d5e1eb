"""The delivery record: exactly the JSON of its contract, written last, and the first one stays."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from jobs.batch import Batch
from jobs.sinks.deliveries import iter_delivery_records, read_delivery_record, write_delivery_record
from jobs.sinks.failures import CountsDiffer, DeliveryRecordDiffers, DeliveryRecordUnreadable
from jobs.sinks.names import delivery_record_key
from jobs.sinks.records import Counts, DeliveryRecord, delivery_record, to_json, to_line
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage, open_storage

SOURCE = {
    "stream": "changes",
    "shards": {"shardId-1": {"after": "41", "to": "49"}, "shardId-0": {"after": "TRIM_HORIZON", "to": "7"}},
}
REORDERED = {
    "shards": {"shardId-0": {"to": "7", "after": "TRIM_HORIZON"}, "shardId-1": {"to": "49", "after": "41"}},
    "stream": "changes",
}


def container(type: str, date: str, roll: int = 0, count: int = 3) -> WrittenObject:
    key = f"p/data/{type}/partition_date={date}/{roll}.avro"
    return WrittenObject(
        "delivery", type, date, None, roll, count, 900, "ab", {"type": "s3", "bucket": "b", "key": key}
    )


def errors(message: str, count: int = 1) -> WrittenObject:
    location = {"type": "s3", "bucket": "b", "key": f"p/errors/{message}.json"}
    return WrittenObject("error", None, None, message, 0, count, 80, "cd", location)  # type: ignore[arg-type]


def record(batch: Batch, **changes: Any) -> DeliveryRecord:
    given = {
        "version": "0.1.0",
        "source": SOURCE,
        "read": 10,
        "written": [
            errors("m"),
            container("sale", "2026-03-01", 1),
            container("demand", "2026-03-02"),
            container("sale", "2026-03-01"),
        ],
        "pending": [("sale", "2026-03-01")],
    }
    return delivery_record(batch, **{**given, **changes})


def test_the_line_is_exactly_the_contract(batch: Batch) -> None:
    one = record(batch, read=4, written=[container("sale", "2026-03-01"), errors("a ü")])
    assert to_line(one).decode() == (
        '{"kind":"stream","queryId":"a-query","batchId":7,"timestamp":"2026-03-01T12:34:56.789Z","version":"0.1.0",'
        '"source":{"shards":{"shardId-0":{"after":"TRIM_HORIZON","to":"7"},"shardId-1":{"after":"41","to":"49"}},"stream":"changes"},'
        '"counts":{"read":4,"archived":3,"failed":1},'
        '"deliveries":[{"type":"sale","partitionDate":"2026-03-01","count":3,"bytes":900,"sha256":"ab",'
        '"storage":{"type":"s3","bucket":"b","key":"p/data/sale/partition_date=2026-03-01/0.avro"}}],'
        '"errors":[{"message":"a ü","count":1,"bytes":80,"sha256":"cd",'
        '"storage":{"type":"s3","bucket":"b","key":"p/errors/a ü.json"}}],'
        '"pendingPartitions":[{"type":"sale","partitionDate":"2026-03-01"}]}\n'
    )


def test_objects_are_listed_in_one_order_whatever_task_wrote_them(batch: Batch) -> None:
    one = record(batch)
    assert [(each.type, each.partition_date, each.storage["key"][-6]) for each in one.deliveries] == [
        ("demand", "2026-03-02", "0"),
        ("sale", "2026-03-01", "0"),
        ("sale", "2026-03-01", "1"),
    ]
    given = [
        errors("m"),
        container("sale", "2026-03-01"),
        container("sale", "2026-03-01", 1),
        container("demand", "2026-03-02"),
    ]
    assert to_line(record(batch, written=given, source=REORDERED)) == to_line(one)


def test_the_record_lies_in_the_folder_of_its_day_and_reads_back(storage: Storage, batch: Batch) -> None:
    assert read_delivery_record(storage, batch) is None
    one = record(batch)
    assert write_delivery_record(storage, batch, one) == one
    (key,) = storage.list()
    assert key == delivery_record_key(batch)
    assert key.startswith("deliveries/2026-03-01/2026-03-01T12-34-56.789Z-")
    assert key.endswith(".json")
    assert read_delivery_record(storage, batch) == one
    assert one.partitions == {("sale", "2026-03-01"), ("demand", "2026-03-02")}


@pytest.mark.parametrize("read", [9, 11])
def test_a_batch_whose_counts_differ_leaves_no_record(read: int, batch: Batch) -> None:
    with pytest.raises(
        CountsDiffer, match=f"batch 7 of a-query read {read} change events but wrote 9 archived and 1 failed"
    ):
        record(batch, read=read)


@pytest.mark.parametrize("counts", [Counts(10, 8, 2), Counts(9, 9, 0), Counts(10, 10, 0)])
def test_counts_are_checked_again_where_they_are_written(
    counts: Counts, directory: Storage, batch: Batch
) -> None:
    with pytest.raises(CountsDiffer):
        write_delivery_record(directory, batch, replace(record(batch), counts=counts))
    assert list(directory.list()) == []


def test_the_first_record_stays(storage: Storage, batch: Batch) -> None:
    first = record(batch)
    write_delivery_record(storage, batch, first)
    line = storage.get(delivery_record_key(batch))
    assert write_delivery_record(storage, batch, record(batch)) == first
    assert write_delivery_record(storage, batch, record(batch, pending=())) == first
    assert write_delivery_record(storage, batch, record(batch, version="0.2.0")) == first
    assert storage.get(delivery_record_key(batch)) == line


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: record(batch, source={"stream": "another"}),
        lambda batch: record(batch, read=3, written=[container("sale", "2026-03-01")]),
        lambda batch: replace(record(batch), kind="redrive"),
    ],
)
def test_a_replay_that_says_otherwise_fails(
    change: Callable[[Batch], DeliveryRecord], storage: Storage, batch: Batch
) -> None:
    write_delivery_record(storage, batch, record(batch))
    line = storage.get(delivery_record_key(batch))
    with pytest.raises(DeliveryRecordDiffers, match="deliveries/2026-03-01"):
        write_delivery_record(storage, batch, change(batch))
    assert storage.get(delivery_record_key(batch)) == line


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"kind":"stream"}',
        to_line(record(Batch("stream", "q", 1, "t"))).replace(b'"errors":[', b'"errors":[7,'),
        to_line(record(Batch("stream", "q", 1, "t"))).replace(b'"deliveries":[', b'"deliveries":["",'),
        b"\xff",
        to_line(record(Batch("stream", "q", 1, "t")))[:-40],
    ],
)
def test_what_is_no_record_is_named(line: bytes, directory: Storage, batch: Batch) -> None:
    directory.put(delivery_record_key(batch), line)
    with pytest.raises(DeliveryRecordUnreadable, match="deliveries/2026-03-01"):
        read_delivery_record(directory, batch)


DAMAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "a shard without an end": lambda one: one["source"]["shards"]["shardId-0"].pop("to"),
    "a shard that is none": lambda one: one["source"]["shards"].update({"shardId-0": "7"}),
    "a position that is none": lambda one: one["source"]["shards"]["shardId-0"].update(to=7),
    "a time that is none": lambda one: one["source"]["shards"]["shardId-0"].update(to={"at": "noon"}),
    "shards of no stream": lambda one: one["source"].pop("stream"),
    "a loss without an end": lambda one: one["source"].update(lost={"shardId-0": {"after": "1"}}),
    "no source": lambda one: one.update(source=None),
    "an object nowhere": lambda one: one["deliveries"][0].update(storage={}),
    "an error nowhere": lambda one: one["errors"][0].update(storage=None),
    "an object of no size": lambda one: one["deliveries"][0].update(bytes="900"),
    "fewer than no events": lambda one: one["errors"][0].update(count=-1),
    "more events than can be": lambda one: one["counts"].update(read=2**63),
    "counts of words": lambda one: one["counts"].update(read="x"),
    "a yes for a number": lambda one: one.update(batchId=True),
    "a number for a time": lambda one: one.update(timestamp=5),
    "a time that is a word": lambda one: one.update(timestamp="noon"),
    "no query": lambda one: one.update(queryId=None),
    "text that can't be written": lambda one: one["errors"][0].update(message="\ud800"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_json_that_is_damaged_inside_is_no_record(damage: str, directory: Storage, batch: Batch) -> None:
    content = to_json(record(batch))
    content["source"] = deepcopy(SOURCE)
    key = delivery_record_key(batch)
    directory.put(key, json.dumps(content).encode())
    assert read_delivery_record(directory, batch) is not None
    DAMAGE[damage](content)
    directory.delete(key)
    directory.put(key, json.dumps(content).encode())
    with pytest.raises(DeliveryRecordUnreadable, match="deliveries/2026-03-01"):
        read_delivery_record(directory, batch)


def test_records_come_in_the_order_of_their_time_from_a_day_or_an_instant_on(storage: Storage) -> None:
    times = [f"2026-{month}-28T{hour}:00:00.000Z" for month in ("02", "03") for hour in ("00", "12", "23")]
    for number, time in enumerate(times):
        one = Batch("stream", "q", number, time)
        write_delivery_record(storage, one, record(one))
    assert [one.timestamp for one in iter_delivery_records(storage)] == times
    assert [one.timestamp for one in iter_delivery_records(storage, "2026-03-28")] == times[3:]
    assert [one.timestamp for one in iter_delivery_records(storage, times[1])] == times[1:]
    assert [one.timestamp for one in iter_delivery_records(storage, "2026-04-01")] == []


def test_more_records_than_are_read_at_once_keep_their_order(directory: Storage) -> None:
    batches = [
        Batch("stream", "q", number, f"2026-03-01T00:{number // 60:02d}:{number % 60:02d}.000Z")
        for number in range(150)
    ]
    for one in batches:
        write_delivery_record(directory, one, record(one))
    assert [one.batch_id for one in iter_delivery_records(directory)] == list(range(150))


def test_an_archive_without_records_has_none() -> None:
    assert list(iter_delivery_records(open_storage("/nowhere/at/all"))) == []
