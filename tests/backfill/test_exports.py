"""``--from export``: every item of an export is archived once, or the export is refused as a whole."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.backfill.errors import BadInput
from tests.backfill.checking import holds_exactly
from tests.backfill.conftest import MakePlace, Place
from tests.backfill.exporting import TIME, Exported, export, insert_event, item_line, md5
from tests.backfill.made_up import items

# Two of the files: a gzip file counts eightfold.
STEP_BYTES = 130_000
ITEMS = items(11, 450)


def exported(directory: Path) -> Exported:
    """Three files of items, one of a partition without any, and one that holds no byte at all."""
    made = export(directory)
    for first in (0, 150, 300):
        made.add([item_line(item) for item in ITEMS[first : first + 150]])
    made.add([])
    empty = made.add([])
    made.files[empty] = b""
    made.entries[-1]["md5Checksum"] = md5(b"")
    made.write()
    return made


@pytest.fixture(scope="module")
def done(place: MakePlace) -> Place:
    """An archive that an export was archived in, and nothing else."""
    made = place()
    made.run("export", exported(made.directory).folder, step_bytes=STEP_BYTES)
    return made


def test_every_item_is_archived_as_an_insert_at_the_exports_time(done: Place) -> None:
    holds_exactly(done.archived, [insert_event(item) for item in ITEMS])
    names = {json.loads(row)["change"]["name"] for row in done.archived.all_rows()}
    times = {json.loads(row)["change"]["time"] for row in done.archived.all_rows()}
    assert (names, times) == ({"INSERT"}, {TIME.replace("Z", "000Z")})


def test_each_step_names_the_files_it_read_and_their_items(done: Place) -> None:
    records = done.archived.records
    assert len(records) == 2
    assert [record["batchId"] for record in records] == list(range(len(records)))
    assert {record["kind"] for record in records} == {"backfill"}
    read = {name: count for record in records for name, count in record["source"]["files"].items()}
    assert sorted(read.values()) == sorted([0, 0, 150, 150, len(ITEMS) - 300])
    assert sum(record["counts"]["read"] for record in records) == len(ITEMS)


def test_the_same_run_again_changes_nothing(done: Place, capsys: pytest.CaptureFixture[str]) -> None:
    before = done.archived.objects
    done.run("export", next(done.directory.glob("AWSDynamoDB/0*")), step_bytes=STEP_BYTES)
    assert done.archived.objects == before
    assert "has archived this input already" in capsys.readouterr().out


def test_an_export_that_was_moved_is_the_same_run(done: Place, tmp_path: Path) -> None:
    before = done.archived.objects
    done.run("export", exported(tmp_path).folder, step_bytes=STEP_BYTES)
    assert done.archived.objects == before


def test_the_folders_name_and_that_of_its_summary_are_one(place: MakePlace, tmp_path: Path) -> None:
    made, at = export(tmp_path), place()
    made.add([item_line(ITEMS[0])])
    at.run("export", made.write() / "manifest-summary.json")
    holds_exactly(at.archived, [insert_event(ITEMS[0])])


def test_lines_that_are_no_items_end_in_archive_errors(place: MakePlace, tmp_path: Path) -> None:
    lines = [b'{"Item" : {"type":{"S":"sale"}} }', b'{"Items":{}}', b"[]", b'{"Item":{"a":1}}}', b'{"Item":']
    made, at = export(tmp_path), place()
    made.add(lines)
    at.run("export", made.write())
    (record,) = at.archived.records
    assert record["counts"] == {"read": 5, "archived": 0, "failed": 5}
    assert {error["message"]: error["count"] for error in record["errors"]} == {
        "eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)": 1,
        "sale: id is missing (BR-003)": 1,
        "the payload is not one JSON object": 3,
    }


def wrong_checksum(made: Exported) -> None:
    made.entries[1]["md5Checksum"] = made.entries[0]["md5Checksum"]


def missing(made: Exported) -> None:
    del made.files[next(iter(made.files))]


def cut(made: Exported) -> None:
    name = next(iter(made.files))
    made.files[name] = made.files[name][:-20]


def corrupt(made: Exported) -> None:
    """As DynamoDB wrote it, by its checksum, and yet no gzip file."""
    made.add([])
    made.files[list(made.files)[-1]] = b"broken"
    made.entries[-1]["md5Checksum"] = md5(b"broken")


def wrong_count(made: Exported) -> None:
    made.entries[0]["itemCount"] += 1
    made.entries[1]["itemCount"] -= 1


def wrong_total(made: Exported) -> None:
    made.summary["itemCount"] = 1


def ion(made: Exported) -> None:
    made.summary["outputFormat"] = "ION"


def of_the_other_type(made: Exported) -> None:
    made.summary["exportType"] = "INCREMENTAL_EXPORT"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (wrong_checksum, "has another MD5 checksum"),
        (missing, "is missing"),
        (cut, "has another MD5 checksum"),
        (corrupt, "is no whole gzip file"),
        (wrong_count, "holds 10 items instead of 11"),
        (wrong_total, "says 1 items, the files of manifest-files.json hold 20"),
        (ion, "export it as DYNAMODB_JSON"),
        (of_the_other_type, "use --from incremental-export"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_export_that_is_not_what_its_manifest_says_is_refused_before_anything_is_written(
    damage: Callable[[Exported], None], told: str, place: MakePlace, tmp_path: Path
) -> None:
    made, at = export(tmp_path), place()
    for first in (0, 10):
        made.add([item_line(item) for item in ITEMS[first : first + 10]])
    damage(made)
    made.write()
    with pytest.raises(BadInput, match=told):
        at.run("export", made.folder)
    assert not at.archived.objects


def test_a_folder_without_a_summary_is_no_export(place: MakePlace, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no manifest-summary\.json: give the export's own folder"):
        place().run("export", tmp_path)
