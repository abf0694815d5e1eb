"""Names that survive a replay: the same batch writes the same objects with the same bytes."""

from pathlib import Path

from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.sinks.storage import Storage
from tests.rules.archives import BATCH, PAYLOADS, archive, archived_records, contents


def test_a_replay_writes_the_same_bytes_under_the_same_names(
    spark: SparkSession, archived_batch: Storage, tmp_path: Path
) -> None:
    replay = archive(spark, tmp_path, partitions=1, backwards=True)
    here, there = contents(replay), contents(archived_batch)
    assert here.keys() == there.keys()
    objects = [key for key in here if not key.startswith("deliveries/")]
    assert len(objects) == 7
    assert {key: here[key] for key in objects} == {key: there[key] for key in objects}
    moved = {key: body.replace(str(tmp_path).encode(), b"@") for key, body in here.items()}
    root = archived_batch.uri.removeprefix("file://").encode()
    assert moved == {key: body.replace(root, b"@") for key, body in there.items()}


def test_another_batch_of_the_same_events_has_other_names_and_the_same_records(
    spark: SparkSession, archived_batch: Storage, tmp_path: Path
) -> None:
    other = archive(spark, tmp_path, PAYLOADS, Batch("stream", BATCH.query_id, 8, BATCH.timestamp))
    assert not contents(other).keys() & contents(archived_batch).keys()
    assert archived_records(other) == archived_records(archived_batch)


def test_the_time_of_the_run_is_nowhere_in_it(spark: SparkSession, tmp_path: Path) -> None:
    old = Batch("stream", "a-query", 0, "2001-02-03T04:05:06.007Z")
    storage = archive(spark, tmp_path, PAYLOADS, old)
    for key, body in contents(storage).items():
        assert "2001-02-03T04-05-06.007Z" in key
        assert key.startswith("data/") or b'"timestamp":"2001-02-03T04:05:06.007Z"' in body
    deleted = [record["date"]["deleted"] for record in archived_records(storage) if record["isDeleted"]]
    assert deleted == ["2001-02-03T04:05:06.007Z"]
    assert [key for key in contents(storage) if "event/partition_date=2001-02-03/" in key]
