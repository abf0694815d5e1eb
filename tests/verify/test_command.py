"""`python -m jobs.verify`: exit codes, reports, the catalog."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import schemas
from jobs.batch import Batch
from jobs.catalog import GlueCatalog
from jobs.catalog.partitions import registered_partitions
from jobs.demo.emulator import Emulator
from jobs.sinks.local import LocalStorage
from jobs.sinks.names import delivery_record_key
from jobs.sinks.storage import Storage, open_storage
from jobs.verify.__main__ import main
from tests.catalog.glue_proxy import GlueProxy, Reply, glue_proxy, refuse
from tests.jobs.job import toml
from tests.verify.conftest import copy, empty
from tests.verify.making import BATCHES, READ, own, put_foreign, record_of

CLEAN, FINDINGS, FAILED = 0, 1, 2


@dataclass(frozen=True)
class Said:
    """What a run of the command left."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def found(self) -> set[tuple[str, str]]:
        return {(line["finding"], line["key"]) for line in self.lines[:-1]}


Verify = Callable[..., Said]


@pytest.fixture
def verify(
    spark: SparkSession,
    on_aws: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Verify:
    """Runs the command on an archive, in this process with its Spark."""
    # It would bind the loggers of this process to the standard output of one test.
    monkeypatch.setattr("jobs.verify.__main__.configure_logging", lambda _: None)

    def run(uri: str, *arguments: str, database: str | None = None) -> Said:
        conf = tmp_path / "conf.toml"
        catalog = {"enabled": True, "database": database} if database else {}
        archive = {"uri": uri.removeprefix("file://"), "checkpoint": str(tmp_path / "checkpoint")}
        conf.write_text(toml({"source": {"stream": "fans"}, "archive": archive, "catalog": catalog}))
        capsys.readouterr()
        code = main(["--conf", str(conf), *arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


def named(storage: Storage, *batches: Batch) -> list[dict[str, Any]]:
    records = [record_of(storage, batch) for batch in batches]
    return [one for record in records for one in [*record["deliveries"], *record["errors"]]]


def test_an_archive_that_nobody_damaged_or_may_write_is_clean_and_counted(
    archive: Storage, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalStorage, "_beside", None)
    said = verify(archive.uri, "--json")
    assert (said.code, said.err) == (CLEAN, "")
    records = [record_of(archive, batch) for batch in BATCHES]
    objects = named(archive, *BATCHES)
    assert said.lines == [
        {
            "archive": archive.uri,
            "batches": len(BATCHES),
            "read": READ * len(BATCHES),
            "archived": sum(record["counts"]["archived"] for record in records),
            "failed": sum(record["counts"]["failed"] for record in records),
            "objects": len(objects),
            "bytes": sum(one["bytes"] for one in objects),
            "registered": 0,
            "findings": {},
        }
    ]


def test_since_looks_at_no_batch_before_that_day(
    archive: Storage, verify: Verify, on_aws: Emulator, tmp_path: Path
) -> None:
    storage = copy(archive, empty("file", on_aws, tmp_path))
    early, late = own(named(storage, BATCHES[0])[0]), own(named(storage, BATCHES[3])[0])
    storage.delete(early)
    storage.delete(late)
    said = verify(storage.uri, "--json", "--since", BATCHES[2].timestamp[:10])
    assert said.code == FINDINGS
    assert said.found == {("missing", late)}
    assert (said.lines[-1]["batches"], said.lines[-1]["objects"]) == (2, len(named(storage, *BATCHES[2:])))


def test_a_lost_delivery_record_shows_in_batches_positions_and_objects(
    archive: Storage, verify: Verify, on_aws: Emulator, tmp_path: Path
) -> None:
    storage = copy(archive, empty("file", on_aws, tmp_path))
    left = {own(one) for one in named(storage, BATCHES[1])}
    storage.delete(delivery_record_key(BATCHES[1]))
    said = verify(storage.uri)
    assert said.code == FINDINGS
    third = delivery_record_key(BATCHES[2])
    assert f"  {third}: batch 1 of query a-query has no delivery record" in said.out
    assert said.out.count(f"  {third}: shard ") == 2
    assert f"\nunnamed: objects that no delivery record names: {len(left)}\n" in said.out
    told = [line for line in said.out.splitlines() if line.strip().partition(":")[0] in left]
    assert len(told) == min(20, len(left))
    assert ("--json tells all" in said.out) == (len(left) > 20)


@pytest.fixture(scope="module")
def on_s3(archive: Storage, on_aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    return copy(archive, empty("s3", on_aws, tmp_path_factory.mktemp("s3")))


@pytest.fixture
def database(on_s3: Storage, on_aws: Emulator) -> str:
    """A database that lacks one of the archive's partitions and has one too many."""
    name = f"archive_{uuid.uuid4().hex[:12]}"
    wanted = sorted({(one["type"], one["partitionDate"]) for one in named(on_s3, *BATCHES) if "type" in one})
    catalog = GlueCatalog(on_aws.client("glue"), name, on_s3.uri, schemas.load())
    assert catalog.register([*wanted[1:], ("sale", "1999-12-31")]) == []
    return name


def test_partitions_and_the_catalog_are_compared_and_repaired(
    on_s3: Storage, database: str, verify: Verify, on_aws: Emulator
) -> None:
    lacking = min((one["type"], one["partitionDate"]) for one in named(on_s3, *BATCHES) if "type" in one)
    missing = ("unregistered", f"data/{lacking[0]}/partition_date={lacking[1]}/")
    surplus = ("no-data", "data/sale/partition_date=1999-12-31/")
    before = verify(on_s3.uri, "--json", database=database)
    assert (before.code, before.found) == (FINDINGS, {missing, surplus})
    repaired = verify(on_s3.uri, "--repair", "catalog", database=database)
    assert repaired.code == FINDINGS
    assert "registered 1 partition in the catalog" in repaired.out
    assert "unregistered" not in repaired.out
    assert surplus[1] in repaired.out
    held = registered_partitions(on_aws.client("glue"), database, [lacking[0]])
    assert lacking in held


def test_a_database_that_is_not_there_lacks_every_partition_and_repair_makes_it(
    on_s3: Storage, verify: Verify
) -> None:
    name = f"archive_{uuid.uuid4().hex[:12]}"
    said = verify(on_s3.uri, "--repair", "catalog", database=name)
    assert said.code == CLEAN, said.out
    assert "nothing found" in said.out


@pytest.fixture
def glue(on_aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[GlueProxy]:
    """The Glue that the command talks to."""
    with glue_proxy(on_aws.url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", proxy.url)
        yield proxy


def answering_first(replies: list[Reply | None]) -> Callable[[str, dict[str, Any]], Reply | None]:
    """Answers the first questions for partitions, a type each, as scripted."""
    return lambda operation, _: replies.pop(0) if operation == "GetPartitions" and replies else None


@pytest.mark.parametrize("repair", [(), ("--repair", "catalog")])
def test_what_the_job_registers_while_records_are_read_is_not_told_nor_counted(
    on_s3: Storage, verify: Verify, on_aws: Emulator, glue: GlueProxy, repair: tuple[str, ...]
) -> None:
    name = f"archive_{uuid.uuid4().hex[:12]}"
    named_now = {(one["type"], one["partitionDate"]) for one in named(on_s3, *BATCHES) if "type" in one}
    catalog = GlueCatalog(on_aws.client("glue"), name, on_s3.uri, schemas.load())
    assert catalog.register(named_now) == []
    glue.answer = answering_first([(200, {"Partitions": []})] * len(schemas.load()))
    said = verify(on_s3.uri, "--json", *repair, database=name)
    assert (said.code, said.lines[-1]["registered"]) == (CLEAN, 0), said.out


def test_glue_that_fails_midway_ends_the_audit(on_s3: Storage, verify: Verify, glue: GlueProxy) -> None:
    nothing: list[Reply | None] = [(200, {"Partitions": []})] * len(schemas.load())
    glue.answer = answering_first([*nothing, refuse("AccessDeniedException")])
    said = verify(on_s3.uri, database="archive")
    assert (said.code, said.out) == (FAILED, "")
    (line,) = said.err.splitlines()
    assert re.fullmatch(
        r"verify: partitions of archive\.\w+: Glue refused \(AccessDeniedException\): grant .*", line
    )


def test_an_archive_at_a_buckets_root_is_audited(
    archive: Storage, verify: Verify, on_aws: Emulator, tmp_path: Path
) -> None:
    bucket = empty("s3", on_aws, tmp_path).location("data")["bucket"]
    storage = copy(archive, open_storage(f"s3://{bucket}"))
    lost = own(named(storage, BATCHES[0])[0])
    storage.delete(lost)
    put_foreign(storage, "data//x", b"")
    said = verify(storage.uri, "--json")
    assert (said.code, said.found) == (FINDINGS, {("missing", lost), ("unnamed", "data//x")})


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_where_nothing_is_there_is_no_archive_and_none_is_made(
    verify: Verify, on_aws: Emulator, tmp_path: Path, kind: str
) -> None:
    storage = empty(kind, on_aws, tmp_path)
    said = verify(storage.uri)
    assert (said.code, said.out) == (FAILED, "")
    (line,) = said.err.splitlines()
    assert line.startswith(f"verify: there is no archive at {storage.uri}: ")
    assert "correct archive.uri" in line
    assert not (tmp_path / "archive").exists()
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize(
    ("uri", "arguments", "told"),
    [
        ("s3://no-such-bucket/p", (), "verify: bucket no-such-bucket doesn't exist: .*"),
        ("/tmp", ("--repair", "catalog"), "--repair catalog needs catalog.enabled"),  # noqa: S108
        ("/tmp", ("--set", "source.strem=x"), ".*source.strem: there is no such key"),  # noqa: S108
    ],
)
def test_an_audit_that_cannot_be_made_says_why(
    verify: Verify, uri: str, arguments: tuple[str, ...], told: str
) -> None:
    said = verify(uri, *arguments)
    assert (said.code, said.out) == (FAILED, "")
    (line,) = said.err.splitlines()
    assert re.fullmatch(told, line), line


def test_an_error_that_nobody_foresaw_is_no_finding(
    archive: Storage, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.verify.__main__.check_is_archive", lambda _: 1 // 0)
    said = verify(archive.uri)
    assert (said.code, said.out) == (FAILED, "")
    assert "ZeroDivisionError" in said.err


def test_a_date_that_is_none_is_a_wrong_command_line(verify: Verify, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=str(FAILED)):
        verify(str(tmp_path), "--since", "yesterday")
