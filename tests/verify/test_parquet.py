"""An archive whose containers are Parquet is audited as one of Avro is."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from jobs.sinks.storage import Storage, open_storage
from jobs.verify.audit import Audit
from tests.verify import making
from tests.verify.making import READ, container, containers, forge, make_archive
from tests.verify.test_damages import expose, misplace

BATCHES = making.BATCHES[:3]


@pytest.fixture
def storage(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    made = open_storage(str(tmp_path_factory.mktemp("parquet") / "archive"))
    make_archive(spark, made, "parquet", BATCHES)
    return made


def damage(storage: Storage) -> Iterator[tuple[str, str]]:
    several = [(key, rows) for key, rows in containers(storage, BATCHES[0]) if len(rows) > 1]
    key, rows = several.pop()
    yield "count", forge(storage, BATCHES[0], key, container(key, rows[1:]))
    key, rows = several.pop()
    yield "unreadable", forge(storage, BATCHES[0], key, storage.get(key)[:-20])
    key, rows = several.pop()
    body = bytearray(storage.get(key))
    body[4:60] = bytes(56)
    yield "unreadable", forge(storage, BATCHES[0], key, bytes(body))
    yield misplace(storage)
    yield expose(storage, BATCHES[2], True)


def test_it_is_sound_and_every_damage_is_found(storage: Storage, spark: SparkSession) -> None:
    audit = Audit(spark, storage, ())
    assert audit.findings.collect() == []
    assert audit.totals["read"] == READ * len(BATCHES)
    done = set(damage(storage))
    rows = Audit(spark, storage, (), settle_seconds=0).findings.collect()
    assert {(row.kind, row.key) for row in rows} == done
