"""A group of any size: spread over tasks, under the same names and bytes however many there are."""

import random
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.sinks.formats import Containers
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage, open_storage
from jobs.sinks.write import write
from tests.sinks.outcomes import SCHEMAS, failure, record
from tests.sinks.test_write import Row, frame, placed, read_back

MAX_BYTES = 20_000


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """A hot date, a hot message, and small groups beside them."""
    hot = [placed(record(number, "demand", "2026-03-01"), None, None) for number in range(4000)]
    errors = [
        placed(failure(f"event {number} {'x' * 20}", "the hot message"), 0, number) for number in range(2000)
    ]
    small = [
        placed(record(number, "sale", f"2026-03-{number % 9 + 1:02d}"), 0, number) for number in range(90)
    ]
    made = [*hot, *errors, *small]
    random.Random(1).shuffle(made)
    return made


def written(
    rows: list[Row], spark: SparkSession, storage: Storage, batch: Batch, partitions: int, spread: bool = True
) -> list[WrittenObject]:
    return write(
        frame(spark, rows, 3),
        batch,
        storage,
        SCHEMAS,
        partitions=partitions,
        containers=Containers(codec="null", max_bytes=MAX_BYTES),
        spread=spread,
    )


def test_names_and_bytes_are_the_same_however_many_tasks_there_are(
    rows: list[Row], spark: SparkSession, batch: Batch, tmp_path: Path
) -> None:
    told = []
    for partitions in (1, 2, 7):
        storage = open_storage(str(tmp_path / str(partitions)))
        made = written(rows, spark, storage, batch, partitions)
        told.append([(one.order, one.sha256, one.storage["key"]) for one in made])
    assert told[0] == told[1] == told[2]


def test_every_row_of_a_hot_group_is_in_exactly_one_object(
    rows: list[Row], spark: SparkSession, batch: Batch, directory: Storage
) -> None:
    made = written(rows, spark, directory, batch, 3)
    found = sorted(read_back(directory, made))
    plain = written(rows, spark, open_storage(directory.uri + "-plain"), batch, 3, spread=False)
    assert found == sorted(read_back(open_storage(directory.uri + "-plain"), plain))
    hot = [one for one in made if one.type == "demand"]
    assert len(hot) > 3
    assert len({one.roll for one in hot}) == len(hot)
    assert all(one.bytes <= MAX_BYTES for one in made)


def test_groups_that_fit_an_object_are_written_as_the_stream_writes_them(
    rows: list[Row], spark: SparkSession, batch: Batch, tmp_path: Path
) -> None:
    spread = written(rows, spark, open_storage(str(tmp_path / "a")), batch, 2)
    plain = written(rows, spark, open_storage(str(tmp_path / "b")), batch, 2, spread=False)
    sales = [[(one.order, one.sha256) for one in made if one.type == "sale"] for made in (spread, plain)]
    assert sales[0] == sales[1]
    assert len(sales[0]) == 9
