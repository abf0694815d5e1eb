"""The peers archive the same as the job, change event by change event, or their times count for nothing."""

import io
import json
import re
import shutil
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from bench.corpus import Corpus, Recipe, corpus
from bench.peers import workers
from bench.peers.compare import ArchivesDiffer, check_same, contents, entries
from bench.peers.payloads import payloads
from bench.peers.rows import with_peers
from bench.peers.workers import COMMANDS, PeerFailed, Workers
from bench.rows import BATCH, JOB, CountsWrong, Row, spark_rows
from jobs.demo.generator import BENCHMARK

EVENTS, CORES = 3_000, 2
NAME = re.compile(
    r"(data/(demand|notification|event|sale)/partition_date=\d{4}-\d\d-\d\d/2026-04-01T00-00-00\.000Z-[0-9a-f-]{36}\.avro"
    r"|errors/2026-04-01T00-00-00\.000Z-[0-9a-f-]{36}\.json)"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A corpus with every kind of bad and of odd change event many times."""
    recipe = Recipe(5, EVENTS, bad_share=0.3, mix=BENCHMARK._replace(odd=0.3))
    return corpus(tmp_path_factory.mktemp("cache"), recipe, lambda _: None)


@pytest.fixture(scope="module")
def job(spark: SparkSession, made: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("job")
    next(row for row in spark_rows(spark, made) if row.name == JOB).run(archive)
    return archive


@pytest.fixture(scope="module", params=COMMANDS)
def peer(request: pytest.FixtureRequest, made: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("peer")
    with Workers(request.param, CORES) as running:
        # Twice, as in the benchmark: nothing of the first pass is in the second.
        for directory in (tmp_path_factory.mktemp("first"), archive):
            counts = running.run(payloads(made), directory, BATCH.timestamp)
            assert counts == (made.events - made.bad, made.bad)
    return archive


def test_a_peer_archives_what_the_job_does(peer: Path, job: Path) -> None:
    ours, theirs = Counter(entries(job)), Counter(entries(peer))
    assert ours.total() == theirs.total() == EVENTS
    assert list((ours - theirs).elements()) == []
    assert len(contents(job)) > 50
    check_same("peer", contents(peer), contents(job))


def test_a_peers_files_are_those_of_the_job(peer: Path, job: Path) -> None:
    names = [str(path.relative_to(peer)) for path in peer.rglob("*") if path.is_file()]
    assert [name for name in names if not NAME.fullmatch(name)] == []
    containers = Counter(path.parent.relative_to(peer) for path in peer.rglob("*.avro"))
    assert set(containers) == {path.parent.relative_to(job) for path in job.rglob("*.avro")}
    assert max(containers.values()) <= CORES
    for path in peer.rglob("*.avro"):
        assert fastavro.reader(io.BytesIO(path.read_bytes())).codec == "zstandard"
    for path in peer.rglob("*.json"):
        (line,) = path.read_text(encoding="utf-8").splitlines()
        error = json.loads(line)
        assert list(error) == ["timestamp", "error", "events"]
        assert error["timestamp"] == BATCH.timestamp


def test_a_record_that_differs_is_told_without_its_values(job: Path, tmp_path: Path) -> None:
    shutil.copytree(job, tmp_path / "peer")
    container = max((tmp_path / "peer").rglob("*.avro"), key=lambda path: path.stat().st_size)
    reader = fastavro.reader(io.BytesIO(container.read_bytes()))
    records: list[Any] = list(reader)
    schema = reader.writer_schema
    assert schema is not None
    type_, date = container.parent.parent.name, container.parent.name.removeprefix("partition_date=")
    for wrong in (
        records[1:],
        [*records, records[0]],
        [records[1], *records[1:]],
        [{**records[0], "fanId": "someone"}, *records[1:]],
    ):
        with container.open("wb") as file:
            fastavro.writer(file, schema, wrong)
        told = (
            f"^scribes made other .*: {type_} of {date}: {len(wrong)}, the job {len(records)}: run the tests$"
        )
        with pytest.raises(ArchivesDiffer, match=told):
            check_same("scribes", contents(tmp_path / "peer"), contents(job))
    with container.open("wb") as file:
        fastavro.writer(file, schema, reversed(records))
    check_same("scribes", contents(tmp_path / "peer"), contents(job))


def test_an_event_under_another_message_differs(job: Path, tmp_path: Path) -> None:
    shutil.copytree(job, tmp_path / "peer")
    path = next((tmp_path / "peer" / "errors").iterdir())
    error = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**error, "error": {"message": "bad luck"}}), encoding="utf-8")
    with pytest.raises(ArchivesDiffer, match=f"bad luck: {len(error['events'])}, the job 0"):
        check_same("scribes", contents(tmp_path / "peer"), contents(job))


def test_the_peers_read_the_corpus_shard_by_shard_in_stream_order(made: Corpus) -> None:
    table = pq.read_table(made.directory).to_pydict()
    expected: dict[str, bytes] = {}
    for shard, number, data in zip(table["shardId"], table["sequenceNumber"], table["data"], strict=True):
        framed = struct.pack("<II", len(number), len(data)) + number.encode() + data
        expected[shard] = expected.get(shard, b"") + framed
    assert {file.name: file.read_bytes() for file in payloads(made)} == expected
    before = [file.stat().st_mtime_ns for file in payloads(made)]
    assert [file.stat().st_mtime_ns for file in payloads(made)] == before


@pytest.fixture
def odd_peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """A peer that archives nothing and says so."""
    script = (
        'import sys; print(\'{"versions": ""}\', flush=True)\n'
        'for _ in sys.stdin: print(\'{"archived": 0, "failed": 0}\', flush=True)'
    )
    monkeypatch.setattr(workers, "COMMANDS", {"scribes": [sys.executable, "-c", script]})
    with Workers("scribes", 1) as running:
        yield running


def test_a_peer_that_loses_something_has_no_time(made: Corpus, odd_peer: Workers, tmp_path: Path) -> None:
    (row,) = with_peers([], made, [odd_peer])
    with pytest.raises(CountsWrong, match=r"0 were archived and 0 failed: the time says nothing"):
        row.run(tmp_path)


def test_a_peers_first_archive_is_held_against_the_jobs(
    made: Corpus, odd_peer: Workers, job: Path, tmp_path: Path
) -> None:
    ours, theirs = with_peers([Row(JOB, lambda _: None)], made, [odd_peer])
    ours.check(job)
    with pytest.raises(ArchivesDiffer, match="scribes made other records or errors than the job"):
        theirs.check(tmp_path)
    theirs.check(job)
    theirs.check(tmp_path)  # later ones are counted only


def test_a_peer_that_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "COMMANDS", {"scribes": [sys.executable, "-c", "raise SystemExit(3)"]})
    with pytest.raises(PeerFailed, match="one of the scribes ended with 3"), Workers("scribes", 1):
        pass
