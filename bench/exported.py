"""The corpus as a DynamoDB export to S3: an item for every change event, so that its records per second compare."""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FOLDER = "AWSDynamoDB/01772368496789-bench"
_NO_ITEM = b'{"bad":true}'


class ExportWriter:
    """Data files as they come, then the manifest; the format is that of the DynamoDB developer guide."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER
        self._entries: list[dict[str, Any]] = []
        (self._folder / "data").mkdir(parents=True)

    def add(self, payloads: Iterable[bytes]) -> None:
        """A data file with the image of each change event as its item."""
        lines = [_line(data) for data in payloads]
        body = gzip.compress(b"\n".join([*lines, b""]), 6, mtime=0)
        name = f"data/{len(self._entries):09d}.json.gz"
        (self._folder / name).write_bytes(body)
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        self._entries.append(
            {
                "itemCount": len(lines),
                "md5Checksum": base64.b64encode(digest).decode(),
                "dataFileS3Key": f"{FOLDER}/{name}",
            }
        )

    def close(self) -> None:
        """The manifest."""
        listing = "".join(json.dumps(entry) + "\n" for entry in self._entries)
        (self._folder / "manifest-files.json").write_text(listing, encoding="utf-8")
        summary = {
            "exportArn": "arn:aws:dynamodb:us-east-1:123456789012:table/bench/export/01772368496789-bench",
            "exportTime": "2026-03-01T12:34:56.789Z",
            "manifestFilesS3Key": f"{FOLDER}/manifest-files.json",
            "itemCount": sum(entry["itemCount"] for entry in self._entries),
            "outputFormat": "DYNAMODB_JSON",
        }
        (self._folder / "manifest-summary.json").write_text(json.dumps(summary), encoding="utf-8")


def _line(data: bytes) -> bytes:
    """The newest image of a change event as a line of an export, or a line that holds none."""
    try:
        images = json.loads(data)["dynamodb"]
        item = images.get("NewImage") or images["OldImage"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return _NO_ITEM
    return json.dumps({"Item": item}, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "backslashreplace"
    )
