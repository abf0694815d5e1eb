"""The manifest of an export: what it must be before anything of the export is read."""

from pathlib import Path
from typing import Any

import pytest

from jobs.backfill.errors import BadInput
from jobs.backfill.manifest import Manifest, read_manifest
from jobs.sinks.storage import open_storage
from tests.backfill.exporting import TIME, TIME_MS, Exported, export, item_line
from tests.backfill.made_up import items

CHECKSUMS = [".md5", ".checksum"]


@pytest.fixture
def made(tmp_path: Path) -> Exported:
    """An export of one item, not written yet."""
    made = export(tmp_path)
    made.add([item_line(items(11, 5)[0])])
    return made


def read(folder: Path) -> Manifest:
    return read_manifest(open_storage(str(folder.parent)), folder.name)


@pytest.mark.parametrize("suffix", CHECKSUMS)
def test_a_manifest_that_is_what_its_checksums_say_is_read(suffix: str, made: Exported) -> None:
    for name in ("manifest-files", "manifest-summary"):
        path = made.write() / f"{name}.md5"
        path.rename(path.with_suffix(suffix))
    manifest = read(made.folder)
    assert (manifest.time_ms, [file.items for file in manifest.files]) == (TIME_MS, [1])


@pytest.mark.parametrize("suffix", CHECKSUMS)
@pytest.mark.parametrize("name", ["manifest-files", "manifest-summary"])
def test_one_that_was_cut_or_changed_is_refused(name: str, suffix: str, made: Exported) -> None:
    changed = made.write() / f"{name}.json"
    changed.with_suffix(".md5").rename(changed.with_suffix(suffix))
    changed.write_bytes(changed.read_bytes() + b"\n")
    with pytest.raises(BadInput, match=rf"{name}\.json hasn't the MD5 that .*{name}\{suffix} says"):
        read(made.folder)


def test_without_its_checksums_it_is_read_all_the_same(made: Exported) -> None:
    for checksum in made.write().glob("*.md5"):
        checksum.unlink()
    assert read(made.folder).time_ms == TIME_MS


@pytest.mark.parametrize(
    ("text", "told"), [("{", "is no JSON"), ("[]", "is no JSON object"), ("{}", "isn't one of DynamoDB's")]
)
def test_a_summary_that_is_none_is_refused(text: str, told: str, made: Exported) -> None:
    summary = made.write() / "manifest-summary.json"
    summary.with_suffix(".md5").unlink()
    summary.write_text(text)
    with pytest.raises(BadInput, match=told):
        read(made.folder)


@pytest.mark.parametrize("time", ["yesterday", "2026-03-01T25:00:00Z", 1772368496, "", None, {"at": TIME}])
def test_a_time_of_the_export_that_is_no_instant_is_told_as_such(time: Any, made: Exported) -> None:
    made.summary["exportTime"] = time
    with pytest.raises(BadInput, match=r"manifest-summary\.json: exportTime is no instant"):
        read(made.write())
