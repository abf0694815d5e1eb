"""BR-016: the records of a batch with one type and partition date are in one container."""

import schemas
from jobs.sinks.storage import Storage
from tests.rules.archives import PAYLOADS, archived_records, contents, delivery_record


def test_there_is_one_container_per_type_and_partition_date(archived_batch: Storage) -> None:
    folders = [key.rpartition("/")[0] for key in contents(archived_batch, "data/")]
    assert len(folders) == len(set(folders)) == 5


def test_no_record_is_lost_between_them(archived_batch: Storage) -> None:
    assert delivery_record(archived_batch)["counts"] == {"read": len(PAYLOADS), "archived": 9, "failed": 3}
    assert len(archived_records(archived_batch)) == 9


def test_a_container_carries_the_schema_of_its_type(archived_batch: Storage) -> None:
    for key, body in contents(archived_batch, "data/").items():
        type_ = key.split("/")[1]
        assert schemas.avro_text(type_).encode() in body
