"""BR-020: every change is archived, so that history is readable as snapshots in order."""

import pytest
from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.sinks.storage import Storage
from tests.rules.archives import archive, archived_records
from tests.rules.change_events import demand, payload


def changed(number: int, name: str, contact: str | None) -> bytes:
    """The change c{number} of one demand, in that many milliseconds."""
    image = "OldImage" if name == "REMOVE" else "NewImage"
    dynamodb = {"ApproximateCreationDateTime": 1772368496000 + number, image: demand(contactMethod=contact)}
    return payload({"eventID": f"c{number}", "eventName": name, "dynamodb": dynamodb})


HISTORY = [
    changed(1, "INSERT", None),
    changed(2, "MODIFY", "sms"),
    changed(3, "MODIFY", "email"),
    changed(3, "MODIFY", "email"),
    changed(2, "MODIFY", "sms"),
    changed(4, "MODIFY", "email"),
]
LATER = [changed(5, "REMOVE", "email")]


@pytest.fixture(scope="module")
def archive_of_two_batches(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    directory = tmp_path_factory.mktemp("archive")
    archive(spark, directory, HISTORY, Batch("stream", "a-query", 0, "2026-03-05T06:07:08.009Z"))
    return archive(spark, directory, LATER, Batch("stream", "a-query", 1, "2026-03-05T06:07:18.009Z"))


def test_every_change_is_archived_duplicates_and_changes_of_nothing_too(
    archive_of_two_batches: Storage,
) -> None:
    records = archived_records(archive_of_two_batches)
    assert sorted(each["change"]["id"] for each in records) == ["c1", "c2", "c2", "c3", "c3", "c4", "c5"]
    assert {each["reference"]["id"] for each in records} == {"e1_s1_f1"}


def test_the_changes_are_orderable_and_duplicates_recognizable(archive_of_two_batches: Storage) -> None:
    changes = {each["change"]["id"]: each for each in archived_records(archive_of_two_batches)}
    history = sorted(changes.values(), key=lambda each: each["change"]["time"])
    assert [(each["change"]["name"], each["change"]["time"], each["contactMethod"]) for each in history] == [
        ("INSERT", "2026-03-01T12:34:56.001000Z", None),
        ("MODIFY", "2026-03-01T12:34:56.002000Z", "sms"),
        ("MODIFY", "2026-03-01T12:34:56.003000Z", "email"),
        ("MODIFY", "2026-03-01T12:34:56.004000Z", "email"),
        ("REMOVE", "2026-03-01T12:34:56.005000Z", "email"),
    ]
    assert history[-1]["isDeleted"] is True


def test_records_lie_in_stream_order(archive_of_two_batches: Storage) -> None:
    # Two shards in turn: the even ones first, then the odd ones, then the next batch.
    records = archived_records(archive_of_two_batches)
    first = [each["change"]["sequenceNumber"] for each in records if each["change"]["id"] != "c5"]
    assert first == ["100", "102", "104", "101", "103", "105"]
