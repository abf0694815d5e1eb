"""What is lost or damaged in the archive holds up its own table alone, and there is a way on."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.batch import Batch
from jobs.latest.failures import ContainerDiffers
from jobs.sinks.failures import DeliveryRecordUnreadable, ObjectMissing
from jobs.sinks.names import container_key, delivery_record_key
from tests.latest.conftest import Followed, follow
from tests.latest.making import DAY, deliver, demand, sale
from tests.latest.test_personal_data import holding

TIME = "2026-03-05T12:00:10.000Z"
BATCH = Batch("stream", "a-query", 6, TIME)
FAN, OTHER = "E1_S1_fan-1", "E1_S1_fan-2"


@pytest.fixture(scope="module")
def begun(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Tables that hold what one batch archived, and an archive that holds a second; nobody touches them."""
    made = follow(spark, tmp_path_factory.mktemp("begun"), types=("demand", "sale"), retention_hours=0)
    deliver(made.archive, [demand(1, 1, 1), sale(1, 1)], batch=5, timestamp="2026-03-05T12:00:00.000Z")
    made.update()
    deliver(made.archive, [demand(1, 2, 2, deleted=True), sale(2, 2)], batch=6, timestamp=TIME)
    # Only the pass of which that is asked removes old files.
    return replace(made, conf=made.conf.model_copy(update={"retention_hours": 24}))


@pytest.fixture
def tables(begun: Followed, tmp_path: Path) -> Followed:
    """A copy of them, and of their archive."""
    return begun.copy(tmp_path)


def path_of(tables: Followed, key: str) -> Path:
    return Path(tables.archive.uri.removeprefix("file://"), key)


def change(path: Path) -> None:
    path.write_bytes(b"something else")


def test_a_container_that_isnt_what_was_delivered_holds_up_its_table_alone(tables: Followed) -> None:
    lost = container_key(BATCH, "sale", DAY, 0)
    path_of(tables, lost).unlink()
    with pytest.raises(ObjectMissing, match=lost):
        tables.update(retention_hours=0)
    assert tables.state()[FAN]["isDeleted"]
    assert "E1_S2" not in tables.state("sale")
    assert not holding(tables.place, "+15550000001"), "a deleted fan's old files stay because of a sale"
    deliver(tables.archive, [demand(2, 3, 3), sale(3, 3)], batch=7, timestamp=TIME)
    changed = container_key(replace(BATCH, batch_id=7), "demand", DAY, 0)
    change(path_of(tables, changed))
    with pytest.raises(ContainerDiffers, match=changed):
        tables.update(without=[lost])
    assert OTHER not in tables.state()
    assert "E1_S3" in tables.state("sale")
    deliver(tables.archive, [demand(2, 4, 4)], batch=8, timestamp=TIME)
    assert tables.update(without=[changed])
    assert OTHER in tables.state()
    assert not tables.update()


def test_a_delivery_record_that_cant_be_read_holds_up_no_other(tables: Followed) -> None:
    tables = replace(tables, types=("demand",))
    key = delivery_record_key(BATCH)
    change(path_of(tables, key))
    deliver(tables.archive, [demand(2, 3, 3)], batch=7, timestamp=TIME)
    with pytest.raises(DeliveryRecordUnreadable, match=key):
        tables.update()
    assert OTHER in tables.state()
    before = tables.versions()
    for anew in (False, True):
        with pytest.raises(DeliveryRecordUnreadable, match=key):
            tables.update(anew=anew)
    assert tables.versions() == before
    assert tables.update(without=[key])
    assert not tables.update()
