"""A lost delivery record, from the finding to an archive in which nothing is found."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from jobs.archive_batch import Archive
from jobs.backfill.options import Options
from jobs.backfill.run import backfill
from jobs.batch import Batch
from jobs.catalog import NoCatalog
from jobs.demo.generator import events
from jobs.instants import iso, now
from jobs.settings import ArchiveSettings, Settings, SourceSettings
from jobs.sinks.names import delivery_record_key
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.offsets import TRIM_HORIZON, Position
from jobs.verify.__main__ import EXIT_CLEAN, verify
from jobs.verify.audit import Audit
from tests.emulators import use
from tests.sources.fake_kinesis import STREAM, FakeKinesis
from transforms import SystemUserIdPattern, outcomes

HOUR = 3600.0
EVENTS = 10


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKinesis]:
    kinesis = FakeKinesis()
    kinesis.add_shard(0)
    kinesis.add_shard(1)
    with kinesis.serving() as served:
        use(monkeypatch, served)
        yield kinesis


def archived(
    spark: SparkSession, settings: Settings, fake: FakeKinesis, *counts: tuple[int, int]
) -> list[Batch]:
    """Batches, an hour ago, each of so many change events of each shard."""
    archive = Archive(
        settings.archive.open_archive(), NoCatalog(), schemas.load(), settings.archive, partitions=2
    )
    changes = [change.data for change in events(7, sum(map(sum, counts)))]
    at: dict[str, Position] = dict.fromkeys(fake.shards, TRIM_HORIZON)
    batches = []
    for number, per_shard in enumerate(counts):
        batch = Batch("stream", "a-query", number, iso(now() - timedelta(hours=1)))
        rows, moved = [], {}
        for shard, count in zip(fake.shards, per_shard, strict=True):
            data = fake.put(shard, [changes.pop() for _ in range(count)], age_seconds=HOUR)
            numbers = [str(each) for each in fake.shards[shard].sequences][-count:] if count else []
            rows += [(bytearray(one), shard, at_) for one, at_ in zip(data, numbers, strict=True)]
            if numbers:
                moved[shard] = {"after": at[shard], "to": numbers[-1]}
                at[shard] = numbers[-1]
        frame = spark.createDataFrame(rows, "data binary, shardId string, sequenceNumber string")
        made = outcomes(frame, archive.record_schemas, F.lit(batch.timestamp), SystemUserIdPattern.of())
        archive.archive(made, batch, {"stream": STREAM, "shards": moved}, len(rows), lambda: None)
        batches.append(batch)
    return batches


def found(spark: SparkSession, storage: Storage) -> Counter[tuple[str, str]]:
    """Kind and key of each finding."""
    rows = Audit(spark, storage, (), settle_seconds=0).findings.collect()
    return Counter((row.kind, row.key) for row in rows)


def test_what_a_backfill_has_archived_in_place_of_a_lost_delivery_record_is_no_gap(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ArchiveSettings(uri=str(tmp_path / "archive"), checkpoint=str(tmp_path / "checkpoint"))
    settings = Settings(source=SourceSettings(stream=STREAM), archive=place)
    storage = place.open_archive()
    # The lost batch is the last one to read anything of the second shard.
    batches = archived(spark, settings, fake, (EVENTS, EVENTS), (EVENTS, EVENTS), (EVENTS, 0))
    assert found(spark, storage) == {}
    storage.delete(delivery_record_key(batches[1]))
    before = found(spark, storage)
    unnamed = Counter({(kind, key): count for (kind, key), count in before.items() if kind == "unnamed"})
    gaps = before - unnamed
    assert unnamed
    # The missing batch itself, and the one shard that goes on after it.
    assert ({kind for kind, _ in gaps}, gaps.total()) == ({"gap"}, 2)
    backfill(settings, Options("kinesis", since="-2h", until="-5m"))
    assert found(spark, storage) == unnamed
    for _, key in unnamed:
        storage.delete(key)
    capsys.readouterr()
    assert verify(settings, since=None, repair=False, json=True) == EXIT_CLEAN
    totals = json.loads(capsys.readouterr().out)
    assert totals["read"] == 5 * EVENTS, "nothing lost, nothing twice"
