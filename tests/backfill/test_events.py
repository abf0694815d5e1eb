"""``--from events``: change events as JSON lines, in whatever files."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.backfill.errors import BadInput
from jobs.backfill.events import Events, open_events
from jobs.backfill.options import Options
from jobs.settings import ArchiveSettings, Settings, SourceSettings
from tests.backfill.checking import holds_exactly
from tests.backfill.conftest import MakePlace, Place
from tests.backfill.made_up import event_lines

STEP_BYTES = 150_000
LINES = event_lines(13, 330)
NO_INPUT = ("_SUCCESS", ".a.jsonl.crc", "_temporary/part-0.jsonl", "below/.staging/part-0.jsonl")


def written(directory: Path) -> Path:
    """Plain, gzip of two members, without an end of the last line, of Windows, empty, and what is no input."""
    directory.mkdir()
    (directory / "a.jsonl").write_bytes(b"\n".join(LINES[:200]))
    (directory / "b.jsonl.gz").write_bytes(
        gzip.compress(b"\n".join(LINES[200:220]) + b"\n", mtime=0)
        + gzip.compress(b"\n\n" + b"\n".join(LINES[220:250]), mtime=0)
    )
    (directory / "below").mkdir()
    (directory / "below" / "c.jsonl").write_bytes(b"\r\n".join(LINES[250:]) + b"\r\n")
    (directory / "d.jsonl").touch()
    for name in NO_INPUT:
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("not an event")
    return directory


@pytest.fixture(scope="module")
def done(place: MakePlace) -> Place:
    """An archive that a directory was archived in, by steps that are smaller than its files."""
    made = place()
    made.run("events", written(made.directory / "events"), step_bytes=STEP_BYTES)
    return made


def test_every_line_of_a_directory_is_archived_once(done: Place) -> None:
    holds_exactly(done.archived, LINES)


def test_a_plain_file_is_read_in_steps_that_follow_each_other(done: Place) -> None:
    ranges = [
        (of["start"], of["end"])
        for record in done.archived.records
        for name, of in record["source"]["files"].items()
        if name == "a.jsonl"
    ]
    assert len(ranges) > 1
    assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]
    assert (ranges[0][0], ranges[-1][1]) == (0, len(b"\n".join(LINES[:200])))


def test_the_same_files_elsewhere_are_the_same_run(done: Place, tmp_path: Path) -> None:
    before = done.archived.objects
    done.run("events", written(tmp_path / "copy"), step_bytes=STEP_BYTES)
    assert done.archived.objects == before


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("b.jsonl.gz", LINES[200:250]),
        ("**/*.jsonl", LINES[:200] + LINES[250:]),
    ],
)
def test_a_file_or_a_glob_is_read_alone(
    path: str, lines: list[bytes], place: MakePlace, tmp_path: Path
) -> None:
    at = place()
    at.run("events", written(tmp_path / "events") / path)
    holds_exactly(at.archived, lines)


@pytest.fixture(params=["directory", "S3"])
def holding(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[str]], str]:
    """Puts files into a directory or a bucket; where that is."""
    if request.param == "directory":
        return lambda keys: _in_directory(tmp_path, keys)
    aws, name = request.getfixturevalue("aws"), request.getfixturevalue("bucket")()
    for variable, value in aws.environment().items():
        request.getfixturevalue("monkeypatch").setenv(variable, value)
    return lambda keys: _in_bucket(aws.client("s3"), name, keys)


def _in_directory(directory: Path, keys: list[str]) -> str:
    for key in keys:
        (directory / key).parent.mkdir(parents=True, exist_ok=True)
        (directory / key).touch()
    return str(directory)


def _in_bucket(s3: Any, bucket: str, keys: list[str]) -> str:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=f"_saved/{key}", Body=b"")
    return f"s3://{bucket}/_saved"


def opened(path: str) -> Events:
    """The input of that path; the archive is never looked at."""
    archive = ArchiveSettings(uri="/nowhere/archive", checkpoint="/nowhere/checkpoint")
    settings = Settings(source=SourceSettings(stream="fans"), archive=archive)
    return open_events(Options("events", path), settings, archive.open_archive())


@pytest.mark.parametrize("glob", ["", "/**/*.jsonl*"])
def test_hidden_files_and_those_in_hidden_folders_are_no_input(
    glob: str, holding: Callable[[list[str]], str]
) -> None:
    where = holding(["a.jsonl", "below/a_b.c.jsonl", *NO_INPUT])
    assert [file.key for file in opened(where + glob).files] == ["a.jsonl", "below/a_b.c.jsonl"]


@pytest.mark.parametrize("path", ["_temporary/part-0.jsonl", "_temporary", "_temporary/*"])
def test_unless_that_very_file_or_folder_is_the_input(path: str, holding: Callable[[list[str]], str]) -> None:
    where = holding(list(NO_INPUT))
    assert [file.key.rpartition("/")[2] for file in opened(f"{where}/{path}").files] == ["part-0.jsonl"]


def test_other_content_under_the_same_name_is_another_run(place: MakePlace, tmp_path: Path) -> None:
    at, file = place(), tmp_path / "events.jsonl"
    for lines in (LINES[:10], LINES[10:20]):
        file.write_bytes(b"\n".join(lines))
        at.run("events", file)
    assert sum(record["counts"]["read"] for record in at.archived.records) == 20


def test_events_that_are_not_utf8_are_held_as_base64(place: MakePlace, tmp_path: Path) -> None:
    at, file = place(), tmp_path / "events.jsonl"
    file.write_bytes(b"\xff\xfe\n")
    at.run("events", file)
    (error,) = at.archived.records[0]["errors"]
    assert error["message"] == "the payload is not UTF-8; the event is held as base64"
    assert b'"//4="' in at.archived.objects[at.archived.key(error)]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl.gz", gzip.compress(b"{}\n" * 100, mtime=0)[:-9], "a.jsonl.gz is no whole gzip file"),
        ("a.jsonl.gz", b"{}\n", "a.jsonl.gz is no whole gzip file"),
        ("a.jsonl", gzip.compress(b"{}\n", mtime=0), "a.jsonl is a gzip file by its content"),
    ],
)
def test_a_damaged_file_is_told_by_name_before_anything_is_written(
    name: str, content: bytes, told: str, place: MakePlace, tmp_path: Path
) -> None:
    at = place()
    (tmp_path / "0.jsonl").write_bytes(LINES[0])
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=told):
        at.run("events", tmp_path)
    assert not at.archived.objects


@pytest.mark.parametrize("path", ["nothing", "nothing/*.json", "s3://"])
def test_an_input_that_is_not_there_is_refused(path: str, place: MakePlace, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--input"):
        place().run("events", Path(path) if path.startswith("s3") else tmp_path / path)
