"""The check of what the demo leaves can fail: each thing that it promises to see, it sees."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest

CHECK = Path(__file__).resolve().parents[1] / ".ci" / "check_demo.py"
NAME = "2026-03-01T12-34-56.789Z-ade88bd1-1756-5daa-8bb4-bd452fd55668"
SCHEMA = {
    "type": "record",
    "name": "r",
    "fields": [
        {"name": "type", "type": "string"},
        {"name": "email", "type": ["null", "string"]},
        {
            "name": "reference",
            "type": {"type": "record", "name": "f", "fields": [{"name": "id", "type": "string"}]},
        },
        {"name": "isDeleted", "type": ["null", "boolean"]},
    ],
}


def put(archive: Path, key: str, **entry: Any) -> dict[str, Any]:
    body = (archive / key).read_bytes()
    return {
        **entry,
        "count": 1,
        "sha256": hashlib.sha256(body).hexdigest(),
        "storage": {"key": f"prefix/{key}"},
    }


def container(archive: Path, kind: str, email: str | None, *, deleted: bool) -> dict[str, Any]:
    key = f"data/{kind}/partition_date=2026-03-01/{NAME}.avro"
    path = archive / key
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {"type": kind, "email": email, "reference": {"id": "a"}, "isDeleted": deleted or None}
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(SCHEMA), [row])
    return put(archive, key, type=kind)


def archive_error(archive: Path) -> dict[str, Any]:
    key = f"errors/{NAME}.json"
    (archive / "errors").mkdir()
    error = {"timestamp": "t", "error": {"message": "not JSON"}, "events": ["{"]}
    (archive / key).write_text(json.dumps(error))
    return put(archive, key, message="not JSON")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    archive = tmp_path / "archive"
    record = {
        "counts": {"read": 5},
        "deliveries": [
            container(archive, "demand", "[redacted]", deleted=True),
            container(archive, "notification", "fan@example.com", deleted=False),
            container(archive, "event", None, deleted=False),
            container(archive, "sale", None, deleted=False),
        ],
        "errors": [archive_error(archive)],
    }
    deliveries = archive / "deliveries" / "2026-03-01"
    deliveries.mkdir(parents=True)
    (deliveries / f"{NAME}.json").write_text(json.dumps(record))
    return tmp_path


def check(output: Path) -> str:
    done = subprocess.run(
        [sys.executable, CHECK, output], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == (1 if done.stderr else 0)
    return done.stdout + done.stderr


def edit_record(output: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    [path] = output.glob("archive/deliveries/*/*.json")
    record = json.loads(path.read_text())
    edit(record)
    path.write_text(json.dumps(record))


def test_a_sound_archive_passes(output: Path) -> None:
    assert check(output) == "demo-output is sound: 5 change events in 1 batches, 5 objects\n"


def test_a_changed_object_is_seen(output: Path) -> None:
    with next(output.glob("archive/data/sale/*/*.avro")).open("ab") as file:
        file.write(b"x")
    assert "has other bytes than its delivery record" in check(output)


def test_an_object_that_no_record_names_is_seen(output: Path) -> None:
    (output / "archive" / "errors" / "stray.json").touch()
    assert "name other objects than there are" in check(output)


def test_a_name_against_the_rules_is_seen(output: Path) -> None:
    edit_record(output, lambda record: record["errors"][0]["storage"].update(key="errors/first.json"))
    assert "not a name by BR-013 to BR-015: errors/first.json" in check(output)


def test_a_lost_change_event_is_seen(output: Path) -> None:
    edit_record(output, lambda record: record["counts"].update(read=6))
    assert "6 read, but 4 archived and 1 failed" in check(output)


def test_a_deleted_record_that_still_says_who_it_was_is_seen(output: Path) -> None:
    entry = container(output / "archive", "demand", "fan@example.com", deleted=True)
    edit_record(output, lambda record: record["deliveries"][0].update(entry))
    assert "a deleted record isn't scrubbed (BR-005)" in check(output)


def test_a_missing_type_is_seen(output: Path) -> None:
    next(output.glob("archive/data/sale/*/*.avro")).unlink()

    def forget(record: dict[str, Any]) -> None:
        record["deliveries"] = [entry for entry in record["deliveries"] if entry["type"] != "sale"]
        record["counts"]["read"] = 4

    edit_record(output, forget)
    assert "not all four record types are there" in check(output)
