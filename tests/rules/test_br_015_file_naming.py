"""BR-015: timestamps in names are ISO with hyphens for colons, and uuids make names unique."""

import uuid
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.sinks.storage import Storage
from tests.rules.archives import BATCH, archive, contents

LENGTH = len("2026-03-05T06-07-08.009Z")


def names(storage: Storage) -> list[str]:
    return [Path(key).stem for key in contents(storage)]


def test_the_timestamp_is_the_batch_s_with_hyphens_for_colons(archived_batch: Storage) -> None:
    assert {name[:LENGTH] for name in names(archived_batch)} == {"2026-03-05T06-07-08.009Z"}
    assert not [key for key in contents(archived_batch) if ":" in key]


def test_every_object_of_a_batch_has_a_uuid_of_its_own(archived_batch: Storage) -> None:
    uuids = [uuid.UUID(name[LENGTH + 1 :]) for name in names(archived_batch)]
    assert len(set(uuids)) == len(uuids) == 8
    assert {each.version for each in uuids} == {5}


def test_the_same_batch_of_another_query_has_other_names(
    spark: SparkSession, archived_batch: Storage, tmp_path: Path
) -> None:
    other = archive(spark, tmp_path, batch=Batch("stream", "another-query", BATCH.batch_id, BATCH.timestamp))
    assert len(names(other)) == len(names(archived_batch))
    assert not set(names(other)) & set(names(archived_batch))
