"""Each way in which an archive can be damaged is found, on both kinds of storage, and nothing else is."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.sinks.names import delivery_record_key
from jobs.sinks.storage import Storage
from jobs.verify.audit import Audit
from tests.verify.conftest import MakeCopy
from tests.verify.making import (
    BATCHES,
    READ,
    change_record,
    container,
    containers,
    forge,
    overwrite,
    own,
    put_foreign,
    record_of,
)

# What BR-005 names is looked for whatever the schemas call personal.
PII = ("nickName",)
LOST = {"shardId-000000000000": {"after": "17", "to": {"at": "2026-03-04T00:00:00.000Z"}}}
DAMAGES_INSIDE: list[Callable[[dict[str, Any]], object]] = [
    lambda record: record["source"]["shards"]["shardId-000000000000"].pop("to"),
    lambda record: record.update(source=None),
    lambda record: record["deliveries"][0].update(storage={}),
    lambda record: record["counts"].update(read="x"),
    lambda record: record.update(timestamp=5),
]
LEFT = "2026-03-02T12-00-00.000Z-00000000-0000-5000-8000-000000000000"


@dataclass
class Damaged:
    """An archive damaged in every way, where which damage was done, and what an audit of it found."""

    storage: Storage
    done: dict[str, set[tuple[str, str]]]
    found: Counter[tuple[str, str]]
    details: dict[tuple[str, str], str]
    numbers: dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def damaged(copied: MakeCopy, spark: SparkSession) -> Damaged:
    storage = copied()
    done = dict(damage(storage))
    rows = Audit(spark, storage, PII, settle_seconds=0).findings.collect()
    found = Counter((row.kind, row.key) for row in rows)
    details = {(row.kind, row.key): row.detail for row in rows}
    return Damaged(storage, done, found, details, {(row.kind, row.key): row.number for row in rows})


def damage(storage: Storage) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """Does every damage to objects of its own; tells which findings are due."""
    yield from damage_containers(storage)
    yield from damage_errors(storage)
    yield from damage_records(storage)
    yield from damage_names(storage)
    yield "a record in the wrong folder", {misplace(storage)}
    yield "personal data", {expose(storage, BATCHES[2], True)}
    yield "personal data of a removal that isn't marked", {expose(storage, BATCHES[3], None)}


def damage_containers(storage: Storage) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    batch = BATCHES[0]
    several = [(key, rows) for key, rows in containers(storage, batch) if len(rows) > 1]
    key, _ = several.pop()
    storage.delete(key)
    yield "a lost container", {("missing", key)}
    key, rows = several.pop()
    overwrite(storage, key, container(key, rows))
    yield "other bytes", {("changed", key)}
    key, rows = several.pop()
    forge(storage, batch, key, container(key, rows[1:]))
    yield "a record less", {("count", key)}
    key, rows = several.pop()
    forge(storage, batch, key, storage.get(key)[:-20])
    yield "a container cut short", {("unreadable", key)}
    yield "objects that nobody names", set(leave_objects(storage, several[0][0]))


def damage_errors(storage: Storage) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    one, other = (own(each) for each in record_of(storage, BATCHES[0])["errors"][:2])
    storage.delete(one)
    yield "a lost error object", {("missing", one)}
    forge(storage, BATCHES[0], other, b"{}")
    yield "an error object that is none", {("unreadable", other)}


def damage_records(storage: Storage) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    _, second, third, last = BATCHES
    yield (
        "a gap between positions",
        {("gap", change_record(storage, third, lambda record: move(record, 0, 7)))},
    )
    key = change_record(storage, last, lambda record: move(record, 1, -7))
    yield "an overlap of positions", {("overlap", key)}
    key = "deliveries/2026-03-01/2026-03-01T12-00-00.000Z-0.json"
    storage.put(key, b"{")
    yield "a delivery record that is none", {("unreadable", key)}
    for number, change in enumerate(DAMAGES_INSIDE):
        key = f"deliveries/2026-03-08/2026-03-04T12-00-00.000Z-{number}.json"
        content = record_of(storage, last)
        change(content)
        storage.put(key, json.dumps(content).encode())
        yield f"a delivery record that is damaged inside, {number}", {("unreadable", key)}
    key = change_record(storage, last, lambda record: record["source"].update(lost=LOST))
    yield "records that expired unread", {("lost", key)}
    key = change_record(storage, third, lambda record: record["source"].update(expired=3))
    yield "records that expired before a replay", {("lost", key)}
    key = change_record(storage, second, lambda record: record["counts"].update(read=READ + 1))
    yield "counts that don't add up", {("count", key)}
    key = "deliveries/2026-03-09/2026-03-04T12-00-00.000Z-0.json"
    storage.put(key, b"")
    yield "an empty delivery record", {("unreadable", key)}


def damage_names(storage: Storage) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    key = "deliveries/2026-03-09/2026-03-02T12-00-00.000Z-copy.json"
    storage.put(key, storage.get(delivery_record_key(BATCHES[1])))
    yield "a copy of a delivery record", {("unnamed", key)}
    key = change_record(storage, BATCHES[2], lambda record: record["deliveries"][0].update(type="other"))
    yield "a delivery record that tells another type", {("misplaced", key)}
    key = "deliveries/2026-03-09/.staging/x"
    put_foreign(storage, key, b"")
    yield "an object among the delivery records whose key is none", {("unreadable", key)}


def leave_objects(storage: Storage, key: str) -> Iterator[tuple[str, str]]:
    """What a killed attempt leaves, and what somebody put there."""
    folder = key.rpartition("/")[0]
    for left, body in {
        f"{folder}/{LEFT}.avro": storage.get(key),
        f"errors/{LEFT}.json": b'{"timestamp":"","error":{"message":"m"},"events":["{}"]}',
        "data/README.txt": b"hello",
        "data/demand/another": b"",
        f"{folder}/deeper/file": b"",
    }.items():
        storage.put(left, body)
        yield "unnamed", left
    names = ["data/.ipynb_checkpoints/a", f"{folder}/.hive-staging/x.avro"]
    # A directory can't have the one, and hides the other.
    names += ["data//x", f"{folder}/.x.avro"] if storage.kind == "s3" else []
    for left in names:
        put_foreign(storage, left, b"")
        yield "unnamed", left


def misplace(storage: Storage) -> tuple[str, str]:
    """Puts a record of another partition date in the place of one."""
    batch = BATCHES[1]
    demands = [(key, rows) for key, rows in containers(storage, batch) if key.startswith("data/demand/")]
    (key, rows), (_, others) = demands[:2]
    return "misplaced", forge(storage, batch, key, container(key, [others[0], *rows[1:]]))


def expose(storage: Storage, batch: Batch, mark: bool | None) -> tuple[str, str]:
    """Gives a removed record its phone number back, and another deletion mark."""
    for key, rows in containers(storage, batch):
        for row in rows:
            if row["change"]["name"] == "REMOVE" and row.get("phoneNumber"):
                row |= {"phoneNumber": "+15550100", "isDeleted": mark}
                return "personal-data", forge(storage, batch, key, container(key, rows))
    raise AssertionError("no deleted record with a phone number was made")


def move(record: dict[str, dict[str, dict[str, dict[str, str]]]], shard: int, by: int) -> None:
    """Lets the batch begin elsewhere in a shard."""
    moved = record["source"]["shards"][f"shardId-{shard:012d}"]
    moved["after"] = str(int(moved["after"]) + by)


@pytest.mark.parametrize(
    "name",
    [
        "a lost container",
        "a lost error object",
        "other bytes",
        "a record less",
        "a container cut short",
        "an error object that is none",
        "objects that nobody names",
        "a record in the wrong folder",
        "personal data",
        "personal data of a removal that isn't marked",
        "a gap between positions",
        "an overlap of positions",
        "a delivery record that is none",
        *(f"a delivery record that is damaged inside, {number}" for number in range(5)),
        "records that expired unread",
        "records that expired before a replay",
        "an empty delivery record",
        "a copy of a delivery record",
        "a delivery record that tells another type",
        "an object among the delivery records whose key is none",
        "counts that don't add up",
    ],
)
def test_a_damage_is_found_where_it_is(damaged: Damaged, name: str) -> None:
    due = damaged.done[name]
    assert due
    assert due <= set(damaged.found), damaged.details


def test_nothing_else_is_found_and_nothing_twice(damaged: Damaged) -> None:
    assert damaged.found == Counter(one for due in damaged.done.values() for one in due)


def test_findings_count_the_records_that_they_are_about(damaged: Damaged) -> None:
    for name, number in {
        "personal data": 1,
        "a record in the wrong folder": 1,
        "a record less": 1,
        "records that expired unread": 1,
        "records that expired before a replay": 3,
    }.items():
        (finding,) = damaged.done[name]
        assert damaged.numbers[finding] == number


def test_no_finding_tells_a_value_of_a_record(damaged: Damaged) -> None:
    told = " ".join(damaged.details.values())
    assert "+1555" not in told
    assert "example.com" not in told
