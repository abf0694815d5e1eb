"""BR-018: what is archived is never deleted and never overwritten with other content."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.sinks.failures import CountsDiffer
from jobs.sinks.storage import open_storage
from tests.rules.archives import archive, contents
from tests.rules.change_events import demand, insert, remove

FIRST = [insert(demand(fanId="f1", email="f1@example.com")), b"no json"]
DELETION = [remove(demand(fanId="f1", email="f1@example.com"))]


def test_a_deletion_adds_a_record_and_takes_none_away(spark: SparkSession, tmp_path: Path) -> None:
    before = contents(archive(spark, tmp_path, FIRST))
    later = Batch("stream", "a-query", 8, "2026-03-06T00:00:00.000Z")
    after = contents(archive(spark, tmp_path, DELETION, later))
    assert len(before) == 3
    assert after.items() >= before.items()
    assert len([key for key in after.keys() - before.keys() if key.startswith("data/demand/")]) == 1


def test_a_replay_of_an_archived_batch_changes_nothing_whatever_it_reads(
    spark: SparkSession, tmp_path: Path
) -> None:
    before = contents(archive(spark, tmp_path, FIRST))
    assert contents(archive(spark, tmp_path, FIRST)) == before
    assert contents(archive(spark, tmp_path, DELETION)) == before


def test_what_an_attempt_left_that_never_got_to_its_delivery_record_is_not_archived(
    spark: SparkSession, tmp_path: Path
) -> None:
    whole = contents(archive(spark, tmp_path, FIRST))
    (record,) = (key for key in whole if key.startswith("deliveries/"))
    (tmp_path / record).unlink()
    (container,) = (key for key in whole if key.startswith("data/"))
    (tmp_path / container).write_bytes(b"of an attempt by other code")
    assert contents(archive(spark, tmp_path, FIRST)) == whole


def test_where_fewer_events_come_out_than_were_read_no_delivery_record_is_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(CountsDiffer):
        archive(spark, tmp_path, FIRST, read=len(FIRST) + 1)
    assert contents(open_storage(str(tmp_path)), "deliveries/") == {}
