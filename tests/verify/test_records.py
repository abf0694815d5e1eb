"""Delivery records that say otherwise than their name or the names of their objects."""

from pathlib import Path

import pytest

from jobs.demo.emulator import Emulator
from jobs.sinks.names import delivery_record_key
from jobs.sinks.storage import Storage
from jobs.verify.records import ReadRecord, read_records
from tests.verify.conftest import copy, empty
from tests.verify.making import BATCHES, Row, change_record

KEY = delivery_record_key(BATCHES[0])
OTHER = "deliveries/2026-03-10/2026-03-01T12-00-00.000Z-other.json"


@pytest.fixture
def storage(archive: Storage, on_aws: Emulator, tmp_path: Path) -> Storage:
    return copy(archive, empty("file", on_aws, tmp_path))


def read(storage: Storage, *keys: str) -> list[ReadRecord]:
    return list(read_records(storage, keys))


def test_a_copy_of_a_delivery_record_names_nothing_more(storage: Storage) -> None:
    storage.put(OTHER, storage.get(KEY))
    own, other = read(storage, KEY, OTHER)
    assert own.problems == []
    assert own.objects
    assert own.ranges
    assert [(each.kind, each.key) for each in other.problems] == [("unnamed", OTHER)]
    assert KEY in other.problems[0].detail
    assert (other.objects, other.ranges, other.read, other.batch_id) == ([], [], 0, None)


def test_a_delivery_record_under_another_name_counts_until_it_is_named_back(storage: Storage) -> None:
    (before,) = read(storage, KEY)
    storage.put(OTHER, storage.get(KEY))
    storage.delete(KEY)
    (after,) = read(storage, OTHER)
    assert [(each.kind, each.key) for each in after.problems] == [("unnamed", OTHER)]
    assert KEY in after.problems[0].detail
    assert {each.key for each in after.objects} == {each.key for each in before.objects}


@pytest.mark.parametrize(("member", "value"), [("type", "sale"), ("partitionDate", "2026-12-31")])
def test_what_a_delivery_record_says_of_a_container_is_held_against_its_folder(
    storage: Storage, member: str, value: str
) -> None:
    def change(record: Row) -> None:
        record["deliveries"][0][member] = value

    (found,) = read(storage, change_record(storage, BATCHES[0], change))
    assert [(each.kind, each.key, each.number) for each in found.problems] == [("misplaced", KEY, 1)]
    assert value not in found.problems[0].detail


def test_an_archive_error_in_a_partition_is_misplaced(storage: Storage) -> None:
    def change(record: Row) -> None:
        record["errors"][0]["storage"] = record["deliveries"][0]["storage"]

    (found,) = read(storage, change_record(storage, BATCHES[0], change))
    assert [each.kind for each in found.problems] == ["misplaced"]
