"""An archive is listed in pieces, whatever lies in it."""

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.demo.emulator import Emulator
from jobs.sinks.storage import Storage, open_storage
from jobs.verify import listing
from jobs.verify.audit import Audit
from jobs.verify.listing import SizedKey, keys_of, pieces
from tests.verify.conftest import empty
from tests.verify.making import put_foreign

OURS = [
    f"data/{type}/partition_date=2026-03-0{day}/{number}.avro"
    for type in ("demand", "sale")
    for day in range(1, 5)
    for number in range(5)
]
FOREIGN = [
    "data/.ipynb_checkpoints/a",
    "data/README.txt",
    "data/demand/README.txt",
    "data/demand/partition_date=2026-03-01/.hive-staging/x",
    "data/demand/partition_date=2026-03-02/2/deeper/x",
    "data/zzz",
]
# No directory can hold these, and no listing of one tells the first.
ON_S3 = ["data/demand/partition_date=2026-03-03/.x.avro", "data//x", "data/demand//y/z"]


@pytest.fixture(params=["file", "s3"])
def storage(request: pytest.FixtureRequest, on_aws: Emulator, tmp_path: Path) -> Storage:
    made = empty(request.param, on_aws, tmp_path)
    for key in OURS:
        made.put(key, b"ours")
    return made


def put_others(storage: Storage) -> list[str]:
    keys = FOREIGN if storage.kind == "file" else [*FOREIGN, *ON_S3]
    for key in keys:
        put_foreign(storage, key, b"foreign")
    return keys


@pytest.mark.parametrize("a_page", [1, 2, 3, 1000])
@pytest.mark.parametrize("after", ["", "data/demand/partition_date=2026-03-02/1.avro"])
def test_pieces_hold_every_key_once(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, a_page: int, after: str
) -> None:
    monkeypatch.setattr(listing, "A_PAGE", a_page)
    due = [*OURS, *put_others(storage)]
    found = [each for piece in pieces(storage, "data/", after) for each in keys_of(storage, piece)]
    assert sorted(each.key for each in found) == sorted(key for key in due if key > after)
    assert {each.size for each in found if each.key in OURS} == {len(b"ours")}
    assert {each.size for each in found if each.key not in OURS} == {len(b"foreign")}


def test_a_stray_file_does_not_make_one_piece_of_all(storage: Storage) -> None:
    folders = {key.rpartition("/")[0] for key in OURS}
    before = list(pieces(storage, "data/"))
    assert len(before) == len(folders)
    put_others(storage)
    sizes = [sum(1 for _ in keys_of(storage, piece)) for piece in pieces(storage, "data/")]
    assert max(sizes) <= 7, "no piece is more than a folder with what lies below it"


def test_a_key_that_is_not_safe_is_listed_with_its_size(storage: Storage) -> None:
    put_others(storage)
    unsafe = "data/demand/partition_date=2026-03-01/.hive-staging/x"
    found = [each for piece in pieces(storage, "data/") for each in keys_of(storage, piece)]
    assert SizedKey(unsafe, len(b"foreign")) in found


def test_a_file_whose_name_is_no_utf_8_is_foreign_and_ends_no_audit(
    spark: SparkSession, tmp_path: Path
) -> None:
    storage = open_storage(str(tmp_path))
    storage.put("data/a.txt", b"")
    Path(os.fsdecode(bytes(tmp_path / "data") + b"/\xe9.txt")).write_bytes(b"")
    rows = Audit(spark, storage, (), settle_seconds=0).findings.collect()
    assert {(row.kind, row.key) for row in rows} == {("unnamed", "data/a.txt"), ("unnamed", "data/?.txt")}
