"""BR-007, "and counted": every object says how many of its records got no system from their systemUserId."""

from typing import Any

import fastavro
import pytest

from jobs.batch import Batch
from jobs.sinks.assembly import Assembly
from jobs.sinks.formats import Containers
from jobs.sinks.storage import Storage
from tests.sinks.outcomes import TEXTS, batches, failure, record


def assemble(storage: Storage, batch: Batch, pieces: Any, max_bytes: int) -> list[dict[str, Any]]:
    results = Assembly(batch, storage, TEXTS, Containers(codec="null", max_bytes=max_bytes))(iter(pieces))
    return [row for result in results for row in result.to_pylist()]


@pytest.mark.parametrize("size", [7, 100, 10_000])
def test_each_object_counts_its_own_however_blocks_rolls_and_arrow_batches_are_cut(
    size: int, directory: Storage, batch: Batch
) -> None:
    rows = [record(number)._replace(without_system=number % 3 == 0) for number in range(1000)]
    found = assemble(directory, batch, batches(rows, size), max_bytes=10_000)
    assert len(found) > 1
    for one in found:
        with open(f"{one['storageBucket']}/{one['storageKey']}", "rb") as container:
            ids = [int(row["id"]) for row in fastavro.reader(container) if isinstance(row, dict)]
        assert one["withoutSystem"] == sum(id % 3 == 0 for id in ids) > 0


def test_archive_errors_and_unknowns_count_nothing(directory: Storage, batch: Batch) -> None:
    rows = [record(1), record(2)._replace(without_system=None), failure("{}")._replace(without_system=None)]
    assert [one["withoutSystem"] for one in assemble(directory, batch, batches(rows, 10), 1 << 20)] == [0, 0]


def test_a_batch_without_such_records_counts_none(directory: Storage, batch: Batch) -> None:
    (one,) = assemble(directory, batch, batches([record(1)], 10), 1 << 20)
    assert (one["count"], one["withoutSystem"]) == (1, 0)
