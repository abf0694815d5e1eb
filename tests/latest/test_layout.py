"""A pass rewrites what it touches and no more, and few files stay few."""

import json
import re
from collections import Counter

import pytest
from structlog.testing import capture_logs

import schemas
from jobs.latest import table
from jobs.latest.failures import ContainerOfNewerVersion, LatestError
from schemas import RecordSchema
from tests.latest.conftest import Followed, MakeFollowed
from tests.latest.making import Row, deliver, demand, sale

EVENTS = range(20)


def files(tables: Followed) -> set[str]:
    return {"/".join(file.split("/")[-2:]) for file in tables.tables().tables[0].delta.rows.inputFiles()}


def test_a_pass_rewrites_only_buckets_of_the_events_that_changed(followed: MakeFollowed) -> None:
    tables = followed(types=("demand",), buckets=16)
    deliver(tables.archive, [demand(fan, fan, fan, event=event) for event in EVENTS for fan in range(3)])
    tables.update()
    buckets = {(row["eventId"], row["bucket"]) for row in tables.state().values()}
    assert len(buckets) == len(EVENTS), "what belongs to an event is in one bucket"
    before = files(tables)
    deliver(tables.archive, [demand(1, 99, 99, event=3), demand(77, 99, 99, event=3)], batch=1)
    tables.update()
    tables.is_latest()
    gone, new = before - files(tables), files(tables) - before
    assert len(before) > 8
    assert {len(gone), len(new)} == {1}
    assert gone.pop().split("/")[0] == new.pop().split("/")[0]


def test_many_small_files_of_a_bucket_become_one(
    followed: MakeFollowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_FILES_OF_A_BUCKET", 2)
    tables = followed(types=("demand",), buckets=1)
    numbers = []
    for batch in range(3):
        deliver(tables.archive, [demand(batch, batch, batch)], batch=batch)
        tables.update()
        numbers.append(len(files(tables)))
    assert numbers == [1, 2, 1]
    tables.is_latest()


def test_an_attribute_that_a_schema_gains_is_gained_by_its_table(followed: MakeFollowed) -> None:
    """Also inside a record, and containers with the older schema are still read; older code stops, lest values get stale."""
    now = schemas.load()
    older = without(now["demand"].avro, "artistName", "notified")
    before = {**now, "demand": RecordSchema("demand", json.dumps(older), ())}
    tables = followed(types=("demand",), buckets=1)
    deliver(tables.archive, [demand(1, 1, 1), demand(2, 1, 2)], schemas={"demand": older})
    tables.tables(before).update()
    assert "artistName" not in tables.state()["E1_S1_fan-1"]
    gained: Row = {"artistName": "Tin Opera", "date": {"requested": "2026-03-01", "notified": "2026-03-02"}}
    deliver(tables.archive, [demand(1, 2, 3, **gained)], batch=1)
    deliver(tables.archive, [demand(3, 1, 4)], batch=2, schemas={"demand": older})
    assert tables.update()
    tables.is_latest()
    deliver(tables.archive, [demand(2, 3, 5, **gained)], batch=3)
    assert tables.update()
    tables.is_latest()
    assert Counter(row["artistName"] for row in tables.state().values()) == {"Tin Opera": 2, None: 1}
    deliver(tables.archive, [demand(1, 4, 6, deleted=True)], batch=4, schemas={"demand": older})
    with pytest.raises(LatestError, match=r"artistName, date\.notified: run that one"):
        tables.tables(before).update()
    assert tables.state()["E1_S1_fan-1"]["isDeleted"] is None


def test_older_code_leaves_containers_of_a_newer_version_to_that(followed: MakeFollowed) -> None:
    """What it doesn't know it would drop, and nobody would look at the container again."""
    now = schemas.load()
    lacking = {
        "demand": without(now["demand"].avro, "artistName", "notified"),
        "sale": without(now["sale"].avro, "name"),
    }
    before = {type: RecordSchema(type, json.dumps(avro), ()) for type, avro in lacking.items()}
    tables = followed(types=("demand", "sale"))
    deliver(tables.archive, [demand(1, 1, 1)])
    deliver(tables.archive, [sale(1, 1)], batch=1, format="parquet")
    with capture_logs() as told, pytest.raises(ContainerOfNewerVersion):
        tables.tables(before).update()
    reasons = {line["part"]: line["reason"] for line in told if line["event"] == "latest.failed"}
    assert re.fullmatch(
        r"data/demand/\S+\.avro: .*, with artistName, date\.notified: run that one", reasons["demand"]
    )
    assert re.fullmatch(r"data/sale/\S+\.parquet: .*, with name: run that one", reasons["sale"])
    assert tables.update()
    tables.is_latest()


def without(avro: Row, *names: str) -> Row:
    """The schema without attributes of these names."""
    fields = [field for field in avro["fields"] if field["name"] not in names]
    for field in fields:
        if isinstance(field["type"], dict):
            field["type"] = without(field["type"], *names)
    return {**avro, "fields": fields}
