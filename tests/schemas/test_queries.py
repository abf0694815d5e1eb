"""The saved queries, run by Spark SQL as they stand, on what the job archives; and read as Athena reads them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

import schemas
from jobs.containers import records_of
from jobs.session import settings_of
from jobs.sinks.deliveries import iter_delivery_records
from jobs.sinks.names import own_key
from jobs.sinks.storage import Storage, open_storage
from tests.latest.conftest import follow
from tests.latest.making import deliver, demand, latest_of, removal
from tests.verify.making import BATCHES, make_archive

QUERIES = {path.stem: path for path in (Path(schemas.__file__).parent / "queries").glob("*.sql")}
# As engines of the Trino family read names in quotes, and partitions.
DIALECT = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
FAN = "fan-7"
Run = Callable[..., list[Row]]


@pytest.fixture(scope="module")
def archive(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """What the job archives, and a fan's demand whose changes came in another order than they happened."""
    storage = open_storage(str(tmp_path_factory.mktemp("queried") / "archive"))
    make_archive(spark, storage, batches=BATCHES[:2])
    changes = [demand(7, 20, 5), demand(7, 30, 6, deleted=True), demand(7, 10, 4), demand(8, 10, 7)]
    # Deletions that lack their time or number, one that is changed on another day.
    changes += [demand(9, 10, 9), removal(9, 11, 3), demand(10, 10, 9), demand(10, 10, deleted=True)]
    again = demand(11, 40, 8, deleted=True)
    again["change"]["time"] = "2026-03-02T00:00:00.000000Z"
    changes += [demand(11, 10, 7, deleted=True), again]
    # Two that differ in nothing that orders changes but their ids.
    for fan in range(12, 20):
        twins = demand(fan, 10), demand(fan, 10)
        twins[fan % 2]["change"]["id"] = "twin"
        changes += twins
    deliver(storage, [*changes, changes[0]], query="another-query")
    return storage


@pytest.fixture(scope="module")
def run(spark: SparkSession, archive: Storage) -> Iterator[Run]:
    """Runs a saved query on tables as Athena has them; its parameter gives way to a literal, as with Athena."""
    with settings_of(spark, DIALECT):
        for type in schemas.RECORD_TYPES:
            rows = spark.read.format("avro").load(f"{archive.uri}/data/{type}")
            rows.withColumn("$path", F.col("_metadata.file_path")).createOrReplaceTempView(type)
        spark.read.json(f"{archive.uri}/errors").createOrReplaceTempView("errors")
        yield lambda name, parameter="?": spark.sql(
            QUERIES[name].read_text().replace("?", parameter)
        ).collect()
    for view in (*schemas.RECORD_TYPES, "errors"):
        spark.catalog.dropTempView(view)


def archived(archive: Storage) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Type, partition date, container and content of every record."""
    for delivery in iter_delivery_records(archive):
        for one in delivery.deliveries:
            key = own_key(one.storage)
            for record in records_of(key, archive.get(key)) or ():
                yield one.type, one.partition_date, key, record


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_athena_can_read_it(name: str) -> None:
    query = QUERIES[name].read_text()
    assert query.startswith("-- ")
    assert len(sqlglot.parse(query, read="athena", error_level=sqlglot.ErrorLevel.RAISE)) == 1


@pytest.mark.parametrize("type", schemas.RECORD_TYPES)
def test_latest_state_is_what_plain_python_makes_of_the_archive(
    run: Run, archive: Storage, type: str
) -> None:
    rows = [row.asDict(recursive=True) for row in run(f"latest_{type}")]
    found = {row["reference"]["id"]: row for row in rows}
    assert len(found) == len(rows) > 0
    made_up = {"partition_date", "$path", "newest"}
    contents = {
        reference: {name: value for name, value in row.items() if name not in made_up}
        for reference, row in found.items()
    }
    assert contents == latest_of(archive)[type]


def test_so_is_the_table_of_jobs_latest(spark: SparkSession, archive: Storage, tmp_path: Path) -> None:
    """Of demands: only theirs came in another order than they happened."""
    made = follow(spark, tmp_path, archive, ["demand"])
    assert made.update()
    made.is_latest()


def test_the_latest_state_is_asked_for_alike_of_every_type() -> None:
    texts = {QUERIES[f"latest_{type}"].read_text().replace(type, "{type}") for type in schemas.RECORD_TYPES}
    assert len(texts) == 1


def test_history_has_a_fans_changes_in_the_order_in_which_they_happened(run: Run) -> None:
    rows = run("demand_history", f"'{FAN}'")
    assert [row.change_id for row in rows] == ["10-4", "20-5", "20-5", "30-6"]
    assert [row.is_deleted for row in rows] == [False, False, False, True]
    assert {row.fanId for row in rows} == {FAN}
    assert [row.change_id for row in run("demand_history", "'fan-9'")] == ["10-9", "11-3"]


def test_demands_are_counted_per_event_and_day(run: Run, archive: Storage) -> None:
    due: dict[tuple[str, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for type, date, _, record in archived(archive):
        if type == "demand":
            demands, fans = due[date, record["eventId"]]
            demands.add(record["reference"]["id"])
            fans.add(record["fanId"])
    rows = run("demand_per_event_per_day")
    assert {(row.day, row.event_id): (row.demands, row.fans) for row in rows} == {
        key: (len(demands), len(fans)) for key, (demands, fans) in due.items()
    }
    assert is_sorted([(row.day, -row.demands, row.event_id) for row in rows])


def test_deletions_are_counted_per_day_and_type(run: Run, archive: Storage) -> None:
    first: dict[tuple[str, str], str] = {}
    for type, _, _, record in archived(archive):
        if record["isDeleted"]:
            day = ((record["change"] or {}).get("time") or record["date"]["deleted"])[:10]
            key = type, record["reference"]["id"]
            first[key] = min(day, first.get(key, day))
    rows = run("deletions_per_day")
    due = Counter((day, type) for (type, _), day in first.items())
    assert {(row.day, row.type): row.deleted for row in rows} == due
    assert {row.type for row in rows} > {"demand", "notification"}


def test_failures_are_counted_per_day_and_message(run: Run, archive: Storage) -> None:
    events: Counter[tuple[str, str]] = Counter()
    objects: Counter[tuple[str, str]] = Counter()
    for delivery in iter_delivery_records(archive):
        for error in delivery.errors:
            key = delivery.timestamp[:10], error.message
            events[key] += error.count
            objects[key] += 1
    rows = run("error_messages_per_day")
    assert {(row.day, row.message): (row.change_events, row.objects) for row in rows} == {
        key: (events[key], objects[key]) for key in events
    }
    assert is_sorted([(row.day, -row.change_events, row.message) for row in rows])


def test_containers_and_their_records_are_counted_per_partition(run: Run, archive: Storage) -> None:
    containers = defaultdict(set)
    records: Counter[tuple[str, str]] = Counter()
    for type, date, key, _ in archived(archive):
        containers[type, date].add(key)
        records[type, date] += 1
    rows = run("small_containers")
    assert {(row.type, row.partition_date): (row.containers, row.records) for row in rows} == {
        key: (len(containers[key]), records[key]) for key in records
    }
    for row in rows:
        assert row.records_per_container == pytest.approx(row.records / row.containers, abs=0.051)


def is_sorted(keys: Sequence[Any]) -> bool:
    return list(keys) == sorted(keys)
