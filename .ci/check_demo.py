"""Checks what `make demo` left behind, reading it as a stranger would: no code of the job is used.

What the delivery records say must be what is there: every object, its bytes, its rows; nothing besides, and
every one of the four record types, with errors, deletions and scrubbed values among them.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro

TYPES = ("demand", "notification", "event", "sale")
NAME = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
CONTAINER = re.compile(rf"data/({'|'.join(TYPES)})/partition_date=\d{{4}}-\d\d-\d\d/{NAME}\.avro")
ERROR = re.compile(rf"errors/{NAME}\.json")
SCRUBBED = "[redacted]"
PII = ("phoneNumber", "email", "messageBody")


def main(output: Path) -> None:
    """Exit with a message at the first thing that isn't as it must be."""
    archive = output / "archive"
    records = [json.loads(path.read_text()) for path in sorted(archive.glob("deliveries/*/*.json"))]
    _check(bool(records), "there is no delivery record")
    named = [
        _object(archive, entry) for record in records for entry in record["deliveries"] + record["errors"]
    ]
    there = {path for part in ("data", "errors") for path in (archive / part).rglob("*") if path.is_file()}
    _check(set(named) == there, "the delivery records name other objects than there are")
    _check(len(named) == len(set(named)), "an object is named twice")
    rows = [row for record in records for entry in record["deliveries"] for row in _rows(archive, entry)]
    failed = [event for record in records for entry in record["errors"] for event in _events(archive, entry)]
    read = sum(record["counts"]["read"] for record in records)
    _check(read == len(rows) + len(failed), f"{read} read, but {len(rows)} archived and {len(failed)} failed")
    _check_rows(rows)
    _check(len(failed) > 0, "no bad change event was made")
    print(f"demo-output is sound: {read} change events in {len(records)} batches, {len(named)} objects")


def _object(archive: Path, entry: dict[str, Any]) -> Path:
    pattern = CONTAINER if "type" in entry else ERROR
    found = re.search(rf"({pattern.pattern})$", entry["storage"]["key"])
    if not found:
        sys.exit(f"check_demo: not a name by BR-013 to BR-015: {entry['storage']['key']}")
    path = archive / found[1]
    body = path.read_bytes()
    _check(
        hashlib.sha256(body).hexdigest() == entry["sha256"],
        f"{path} has other bytes than its delivery record",
    )
    return path


def _rows(archive: Path, entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with _object(archive, entry).open("rb") as container:
        rows = [row for row in fastavro.reader(container) if isinstance(row, dict)]
    _check(len(rows) == entry["count"], f"{entry['storage']['key']} holds {len(rows)} records")
    _check(all(row["type"] == entry["type"] for row in rows), f"{entry['storage']['key']} holds another type")
    yield from rows


def _events(archive: Path, entry: dict[str, Any]) -> list[str]:
    error = json.loads(_object(archive, entry).read_text())
    _check(set(error) == {"timestamp", "error", "events"}, f"{entry['storage']['key']} has other keys")
    _check(error["error"] == {"message": entry["message"]}, f"{entry['storage']['key']} has another message")
    _check(
        len(error["events"]) == entry["count"], f"{entry['storage']['key']} holds another number of events"
    )
    events: list[str] = error["events"]
    return events


def _check_rows(rows: list[dict[str, Any]]) -> None:
    deleted = [row for row in rows if row.get("isDeleted")]
    personal = [row[name] for row in deleted for name in PII if row.get(name) is not None]
    _check(set(TYPES) == {row["type"] for row in rows}, "not all four record types are there")
    _check(len(deleted) > 0, "nothing was deleted")
    _check(len(personal) > 0 and set(personal) == {SCRUBBED}, "a deleted record isn't scrubbed (BR-005)")
    _check(all(row["reference"]["id"] for row in rows), "a record has no reference (BR-006)")


def _check(holds: bool, message: str) -> None:
    if not holds:
        sys.exit(f"check_demo: {message}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
