"""A stream, an archive of delivery records, and a backfill of the one into the other that needs no Spark."""

import json
from collections.abc import Generator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobs.backfill.kinesis import KinesisInput, open_kinesis
from jobs.backfill.options import Options
from jobs.backfill.steps import Input, Step, Work
from jobs.batch import Batch
from jobs.instants import iso, now
from jobs.settings import ArchiveSettings, Settings, SourceSettings
from jobs.sinks.deliveries import read_delivery_record, write_delivery_record
from jobs.sinks.records import delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.options import Limits
from tests.sources.fake_kinesis import STREAM, FakeKinesis

FIRST, SECOND = "shardId-000000000000", "shardId-000000000001"
HOUR = 3600.0


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake needs no sparing."""
    monkeypatch.setattr("jobs.backfill.kinesis.Limits", partial(Limits, calls_per_second=100))


@pytest.fixture
def archive(tmp_path: Path) -> "Archive":
    """Made anew for each test."""
    return Archive(tmp_path)


def ago(**distance: float) -> str:
    """An instant so long ago, to the millisecond."""
    return iso(now() - timedelta(**distance))


class Archive:
    """An archive in a directory in which nothing but delivery records matters."""

    def __init__(self, directory: Path, stream: str = STREAM, **source: Any) -> None:
        archive = ArchiveSettings(uri=str(directory / "archive"), checkpoint=str(directory / "checkpoint"))
        self.settings = Settings(source=SourceSettings(stream=stream, **source), archive=archive)
        self.storage: Storage = archive.open_archive()
        self.checkpoint: Storage = archive.open_checkpoint()

    def deliver(self, batch: Batch, source: dict[str, Any], read: int = 0) -> None:
        """Write the delivery record of a batch."""
        written = []
        if read:
            place = self.storage.location(f"errors/{batch.name('all')}.json")
            written = [WrittenObject("error", None, None, "made up", 0, read, 1, "0" * 64, place)]
        record = delivery_record(batch, version="1", source=source, read=read, written=written)
        write_delivery_record(self.storage, batch, record)

    def covered(self, number: int, **shards: Any) -> None:
        """What a streaming query read: ``shard_0=(after, to)``."""
        ranges = {
            f"shardId-{int(name.removeprefix('shard_')):012d}": {"after": after, "to": to}
            for name, (after, to) in shards.items()
        }
        batch = Batch("stream", "q", number, ago(minutes=1))
        self.deliver(batch, {"stream": STREAM, "shards": ranges})

    def input(self, **options: Any) -> KinesisInput:
        """The input that these options ask for; the window is long over unless they say otherwise."""
        options = {"since": ago(hours=2), "until": ago(minutes=5), **options}
        return open_kinesis(Options("kinesis", **options), self.settings, self.storage)

    def steps(self, source: Input, run: str = "run", begun: datetime | None = None) -> Generator[Step]:
        """The input's steps, each archived once the next one is asked for."""
        time = iso(begun or now())

        def batch(number: int) -> Batch:
            return Batch("backfill", run, number, time)

        work = Work(
            spark=None,  # type: ignore[arg-type]  # no row is looked at
            run_id=run,
            plan=source.plan(),
            outcomes=lambda rows: rows,
            archived=lambda number: read_delivery_record(self.storage, batch(number)),
        )
        for number, step in enumerate(source.steps(work)):
            yield step
            if work.archived(number) is None:
                self.deliver(batch(number), dict(step.source), step.read or 0)


def put(fake: FakeKinesis, count: int, age_seconds: float, shard: str = "shardId-000000000000") -> list[str]:
    """Records that arrived so long ago; their sequence numbers."""
    fake.put(shard, [b"%d" % number for number in range(count)], age_seconds=age_seconds)
    return [str(number) for number in fake.shards[shard].sequences[-count:]]


def begun_job(archive: Archive, fake: FakeKinesis, offset: dict[str, Any]) -> None:
    """A checkpoint whose job has begun at that offset and done nothing yet."""
    start = {
        "stream": STREAM,
        "arn": f"arn:aws:kinesis:eu-west-1:{fake.account}:stream/{STREAM}",
        "created": "2023-11-14T22:13:20.000Z",
        "offset": offset,
    }
    archive.checkpoint.put("kinesis/start.json", json.dumps(start).encode())
    archive.checkpoint.put("archive.json", json.dumps({"uri": archive.storage.uri}).encode())
