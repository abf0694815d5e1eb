"""BR-012: records are grouped by type and partition date."""

from jobs.sinks.storage import Storage
from tests.rules.archives import contents, records


def groups(storage: Storage) -> dict[str, list[str]]:
    """The containers' folders, and the ids of the records in each."""
    found: dict[str, list[str]] = {}
    for key, body in contents(storage, "data/").items():
        found.setdefault(key.rpartition("/")[0], []).extend(each["reference"]["id"] for each in records(body))
    return found


def test_every_record_is_with_those_of_its_type_and_partition_date(archived_batch: Storage) -> None:
    assert groups(archived_batch) == {
        "data/demand/partition_date=2026-03-01": ["e1_s1_f1", "e1_s1_f1", "e1_s1_f2", "e1_s1_f1"],
        "data/demand/partition_date=2026-03-02": ["e1_s1_f3"],
        "data/event/partition_date=2026-03-05": ["e1"],
        "data/notification/partition_date=2026-03-02": ["e1_s1_f1"],
        "data/sale/partition_date=2026-03-03": ["e1_s1", "e1_s2"],
    }
