"""``--from incremental-export``: changes between two instants, with both images or the new one alone."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs.backfill.errors import BadInput
from tests.backfill.checking import holds_exactly
from tests.backfill.conftest import MakePlace, Place
from tests.backfill.exporting import Exported, change_event, change_line, export
from tests.backfill.made_up import Images, images

BEGIN = 1772362800000000
CHANGES = [(BEGIN + 1_000_007 * number, *each) for number, each in enumerate(images(12, 300))]


def exported(directory: Path, changes: Sequence[tuple[int, *tuple[object, ...]]]) -> Exported:
    made = export(directory, incremental=True)
    for first in range(0, len(changes), 150):
        made.add([change_line(*change) for change in changes[first : first + 150]])
    made.write()
    return made


@pytest.fixture(scope="module")
def done(place: MakePlace) -> Place:
    """An archive that an export with both images was archived in."""
    made = place()
    made.run("incremental-export", exported(made.directory, CHANGES).folder)
    return made


def test_every_change_is_archived_as_the_change_that_its_images_show(done: Place) -> None:
    holds_exactly(done.archived, [change_event(*change) for change in CHANGES])
    names = Counter(json.loads(row)["change"]["name"] for row in done.archived.all_rows())
    assert set(names) == {"INSERT", "MODIFY", "REMOVE"}


def test_with_new_images_alone_a_removal_is_reported_and_not_invented(
    place: MakePlace, tmp_path: Path
) -> None:
    new_alone = [(micros, new) for micros, new, _ in CHANGES[:120]]
    at = place()
    made = exported(tmp_path, new_alone)
    at.run("incremental-export", made.folder)
    holds_exactly(at.archived, [change_event(*change) for change in new_alone])
    removals = sum(new is None for _, new in new_alone)
    failed = Counter(
        {error["message"]: error["count"] for record in at.archived.records for error in record["errors"]}
    )
    assert failed["dynamodb.OldImage is missing or not a map (BR-001)"] == removals > 0


def test_the_time_of_a_write_may_be_bare(place: MakePlace, tmp_path: Path) -> None:
    image = Images(*next(each[1:] for each in CHANGES if each[1])).new
    made, at = export(tmp_path, incremental=True), place()
    lines = [
        change_line(BEGIN, image).replace(b'{"N":"%d"}' % BEGIN, bare % BEGIN) for bare in (b"%d", b'"%d"')
    ]
    made.add(lines)
    at.run("incremental-export", made.write())
    holds_exactly(at.archived, [change_event(BEGIN, image)] * 2)


def test_lines_that_are_no_changes_end_in_archive_errors(place: MakePlace, tmp_path: Path) -> None:
    made, at = export(tmp_path, incremental=True), place()
    made.add([b"{}", b'{"Keys":{},"NewImage":{}}', b"nothing"])
    at.run("incremental-export", made.write())
    (record,) = at.archived.records
    assert record["counts"] == {"read": 3, "archived": 0, "failed": 3}


def test_a_full_export_is_refused(place: MakePlace, tmp_path: Path) -> None:
    made = export(tmp_path)
    with pytest.raises(BadInput, match="use --from export"):
        place().run("incremental-export", made.write())
