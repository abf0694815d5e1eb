"""The demo's parts: publishing, the job's process, the copy of the archive, the page, the directory it leaves."""

import base64
import io
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest

from jobs.demo import run_job as job
from jobs.demo.archive_copy import Archive, ArchiveUnreadable, TypeFigures, download, partitions, read_archive
from jobs.demo.emulator import Emulator, clean_environment
from jobs.demo.generator import Change, events
from jobs.demo.output import OutputError, fresh, show
from jobs.demo.publish import create_bucket, create_stream, publish, write_down
from jobs.demo.summary import WIDTH, Run, problem, summary
from tests.demo.listening import ends
from tests.oracle import archive
from tests.oracle.messages import message
from tests.oracle.rulebook import schema_of

BATCH_TIME = "2026-04-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def changes() -> list[Change]:
    return list(events(1, 3000))


@pytest.fixture(scope="module")
def archived(changes: list[Change], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the changes, made by the oracle."""
    root = tmp_path_factory.mktemp("archive")
    records, failures = archive(
        [("shard-0", str(number), change.data) for number, change in enumerate(changes)], BATCH_TIME
    )
    for (type_, day), group in records.items():
        path = root / "data" / type_ / f"partition_date={day}" / "made.avro"
        path.parent.mkdir(parents=True)
        with path.open("wb") as container:
            fastavro.writer(container, schema_of(type_), group)
    (root / "errors").mkdir()
    for number, (failure, payloads) in enumerate(failures.items()):
        error = {"timestamp": BATCH_TIME, "error": {"message": message(failure)},
                 "events": [payload.decode(errors="replace") for payload in payloads]}  # fmt: skip
        (root / "errors" / f"{number}.json").write_text(json.dumps(error))
    counts = {"archived": sum(map(len, records.values())), "failed": sum(map(len, failures.values()))}
    (root / "deliveries" / "2026-04-01").mkdir(parents=True)
    (root / "deliveries" / "2026-04-01" / "made.json").write_text(json.dumps({"counts": counts}))
    return root


@pytest.fixture
def run(changes: list[Change], archived: Path) -> Run:
    days = {"demand": ["2026-03-01", "2026-03-02"], "errors": []}
    return Run(1, "s", 2, Counter(change.kind for change in changes), read_archive(archived), days, 21.4)


def test_published_is_what_a_consumer_reads(aws: Emulator, changes: list[Change]) -> None:
    create_stream(aws, "published", 2)
    assert publish(aws, "published", changes) == len(changes)
    kinesis, read = aws.client("kinesis"), Counter[tuple[str, bytes]]()
    for shard in kinesis.list_shards(StreamName="published")["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName="published", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for _ in range(100):
            page = kinesis.get_records(ShardIterator=iterator, Limit=1000)
            read.update((record["PartitionKey"], record["Data"]) for record in page["Records"])
            iterator = page["NextShardIterator"]
            if not page["MillisBehindLatest"] and not page["Records"]:
                break
    assert read == Counter((change.partition_key, change.data) for change in changes)


def test_what_was_published_is_written_down_byte_for_byte(changes: list[Change], tmp_path: Path) -> None:
    write_down(changes, tmp_path / "published.jsonl")
    lines = (tmp_path / "published.jsonl").read_text().split("\n")
    payloads = [_payload(json.loads(line)) for line in lines if line]
    assert payloads == [change.data for change in changes]


def _payload(line: dict[str, str]) -> bytes:
    return base64.b64decode(line["dataBase64"]) if "dataBase64" in line else line["data"].encode()


def test_the_conf_is_toml_also_where_the_checkpoint_has_odd_characters(tmp_path: Path) -> None:
    odd = tmp_path / 'a "b" \\c é'
    job.write_conf(tmp_path / "archive.toml", "s", "s3://b/p", odd, "d")
    conf = tomllib.loads((tmp_path / "archive.toml").read_text())
    assert conf["archive"] == {"uri": "s3://b/p", "checkpoint": str(odd)}
    assert (conf["source"]["stream"], conf["source"]["start"]) == ("s", "TRIM_HORIZON")
    assert conf["catalog"] == {"enabled": True, "database": "d"}


def started_as(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(job, "command", lambda conf: [sys.executable, "-c", script, str(conf)])


def test_a_job_that_fails_is_quoted_with_its_last_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started_as(
        monkeypatch, "import sys; print('first', file=sys.stderr); sys.exit('archive: no such stream: s')"
    )
    with pytest.raises(
        job.JobError, match=r"failed with exit code 1: archive: no such stream: s \(all of it in .*job\.err"
    ):
        job.run_job(tmp_path / "c", tmp_path / "job.log", clean_environment(), 30, print)


def test_a_job_that_takes_too_long_is_ended_with_what_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); time.sleep(60)"
    started_as(
        monkeypatch,
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)",
    )
    with pytest.raises(job.JobError, match="did not end within 3 s"):
        job.run_job(tmp_path / "c", tmp_path / "job.log", clean_environment(), 3, print)
    assert ends(f"http://127.0.0.1:{int((tmp_path / 'job.log').read_text())}")


def test_a_job_that_ends_well_leaves_its_log_and_no_empty_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = """{"event": "started"}\nno json\n{"event": "batch", "batchId": 0}\n{"event": "batch", "batchId": 1}\n"""
    started_as(monkeypatch, f"import sys; sys.stdout.write({log!r})")
    batches: list[dict[str, Any]] = []
    job.run_job(tmp_path / "c", tmp_path / "job.log", clean_environment(), 30, batches.append)
    assert (tmp_path / "job.log").read_text() == log
    assert not (tmp_path / "job.err").exists()
    assert [batch["batchId"] for batch in batches] == [0, 1]


def test_the_copy_of_the_archive_holds_every_object_below_the_prefix(aws: Emulator, tmp_path: Path) -> None:
    create_bucket(aws, "copied")
    s3 = aws.client("s3")
    for key in ("dmd/data/sale/partition_date=2026-03-01/a.avro", "dmd/errors/b.json", "dmd2/c"):
        s3.put_object(Bucket="copied", Key=key, Body=key.encode())
    download(aws, "copied", "dmd", tmp_path)
    found = {
        str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert found == {
        "data/sale/partition_date=2026-03-01/a.avro": "dmd/data/sale/partition_date=2026-03-01/a.avro",
        "errors/b.json": "dmd/errors/b.json",
    }


def test_the_catalog_is_listed_with_the_dates_of_its_partitions(aws: Emulator) -> None:
    glue = aws.client("glue")
    glue.create_database(DatabaseInput={"Name": "listed"})
    for name in ("sale", "errors"):
        glue.create_table(DatabaseName="listed", TableInput={"Name": name, "StorageDescriptor": {}})
    days: list[Any] = [{"Values": [day], "StorageDescriptor": {}} for day in ("2026-03-02", "2026-03-01")]
    glue.batch_create_partition(DatabaseName="listed", TableName="sale", PartitionInputList=days)
    assert partitions(aws, "listed") == {"sale": ["2026-03-01", "2026-03-02"], "errors": []}


def test_the_archive_is_counted_as_its_readers_see_it(archived: Path, changes: list[Change]) -> None:
    found = read_archive(archived)
    assert found.failed == sum(change.is_bad for change in changes)
    assert found.archived == len(changes) - found.failed
    assert found.live is not None
    assert found.live["phoneNumber"].startswith("+1555")
    assert found.scrubbed is not None
    assert (found.scrubbed["phoneNumber"], found.scrubbed["email"]) == ("[redacted]", "[redacted]")


def test_a_container_that_is_none_is_named_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "data" / "sale" / "partition_date=2026-03-01" / "made.avro"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no container")
    with pytest.raises(ArchiveUnreadable, match=r"made\.avro can't be read back: "):
        read_archive(tmp_path)


def test_nothing_is_wrong_where_everything_is_accounted_for(run: Run) -> None:
    assert problem(run) == ""


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("insert demand", "published 3,001 change events, but archived "),
        ("bad: raw NUL", "published 3,001 change events, but archived "),
    ],
)
def test_a_change_event_too_few_is_said_in_one_line(run: Run, kind: str, line: str) -> None:
    assert problem(run._replace(kinds=run.kinds + Counter([kind]))).startswith(line)


def test_a_bad_one_that_was_archived_is_said_in_one_line(run: Run) -> None:
    kinds = run.kinds + Counter({"bad: raw NUL": 1}) - Counter({"insert demand": 1})
    bad = run.archive.failed + 1
    assert (
        problem(run._replace(kinds=kinds))
        == f"published {bad} bad change events, but {bad - 1} ended in archive errors"
    )


def test_delivery_records_that_say_otherwise_are_said_in_one_line(run: Run) -> None:
    run.archive.deliveries[0]["counts"]["archived"] -= 1
    assert (
        problem(run)
        == f"the delivery records say {run.archive.archived - 1:,} archived, the archive holds {run.archive.archived:,}"
    )


def test_the_page_fits_100_columns_and_counts_what_was_published(run: Run) -> None:
    page = summary(run, "demo-output")
    assert max(len(line) for line in page) <= WIDTH == 100
    demands = next(line for line in page if line.startswith("  demand"))
    assert demands.split() == ["demand", *(f"{run.kinds[f'{action} demand']:,}" for action in
                               ("insert", "modify", "remove", "expire", "soft-delete", "duplicate"))]  # fmt: skip
    assert any(line.startswith("Archive errors: ") for line in page)
    assert '    "phoneNumber": "[redacted]",' in page


def test_the_page_of_an_empty_archive_is_a_page_too() -> None:
    page = summary(Run(1, "s", 2, Counter(), Archive(types={"sale": TypeFigures()}), {}, 0), "out")
    assert "Archived: 0 records in 0 batches (0 s with Spark's start)" in page


def test_headings_are_bold_on_a_terminal_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    page, plain, terminal = summary(run, "demo-output"), io.StringIO(), Terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    show(page, plain)
    show(page, terminal)
    assert "\033[1mPublished: " in terminal.getvalue()
    assert plain.getvalue() == "\n".join(page) + "\n"


def test_the_output_of_an_earlier_demo_is_replaced(tmp_path: Path) -> None:
    (fresh(tmp_path / "out") / "old.txt").write_text("x")
    assert [path.name for path in fresh(tmp_path / "out").iterdir()] == ["README.txt"]


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(OutputError, match="is not empty and not from an earlier run: move it away"):
        fresh(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "x"
