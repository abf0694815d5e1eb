"""Exports to S3 as the DynamoDB developer guide documents them, written by code that shares nothing with the reader."""

import base64
import gzip
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/fan-demand"
TIME, TIME_MS = "2026-03-01T12:34:56.789Z", 1772368496789


@dataclass
class Exported:
    """An export in ``folder``: its data files by name, and the manifest, which tests may damage."""

    folder: Path
    incremental: bool
    files: dict[str, bytes] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Where the data files are: of incremental exports beside the folder with the manifest."""
        return (self.folder.parent if self.incremental else self.folder) / "data"

    def add(self, lines: Sequence[bytes]) -> str:
        """A data file, gzip, with its entry in the manifest; its name."""
        name = f"{uuid.uuid5(uuid.NAMESPACE_OID, f'{self.folder.name}{len(self.files)}').hex[:26]}.json.gz"
        body = gzip.compress(b"".join(line + b"\n" for line in lines), 6, mtime=0)
        self.files[name] = body
        place = "AWSDynamoDB/data" if self.incremental else f"AWSDynamoDB/{self.folder.name}/data"
        self.entries.append(
            {
                "itemCount": len(lines),
                "md5Checksum": md5(body),
                "etag": f"{len(self.files):032x}-1",
                "dataFileS3Key": f"backups/{place}/{name}",
            }
        )
        return name

    def write(self) -> Path:
        """Everything on disk, the manifest last as DynamoDB does it; the folder."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(exist_ok=True)
        (self.folder / "_started").touch()
        for name, body in self.files.items():
            (self.data / name).write_bytes(body)
        listing = "".join(json.dumps(entry) + "\n" for entry in self.entries).encode()
        (self.folder / "manifest-files.json").write_bytes(listing)
        (self.folder / "manifest-files.md5").write_text(md5(listing))
        summary = json.dumps(self._summary() | self.summary).encode()
        (self.folder / "manifest-summary.json").write_bytes(summary)
        (self.folder / "manifest-summary.md5").write_text(md5(summary))
        return self.folder

    def _summary(self) -> dict[str, Any]:
        name = self.folder.name
        times = (
            {
                "exportFromTime": "2026-03-01T11:00:00Z",
                "exportToTime": "2026-03-01T12:00:00Z",
                "outputView": "NEW_AND_OLD_IMAGES",
            }
            if self.incremental
            else {"exportTime": TIME}
        )
        return {
            "version": "2023-08-01",
            "exportArn": f"{TABLE}/export/{name}",
            "startTime": TIME,
            "endTime": "2026-03-01T12:40:00.000Z",
            "tableArn": TABLE,
            "tableId": "12345a12-abcd-123a-ab12-1234abc12345",
            **times,
            "s3Bucket": "fan-demand-exports",
            "s3Prefix": "backups",
            "s3SseAlgorithm": "AES256",
            "s3SseKmsKeyId": None,
            "manifestFilesS3Key": f"backups/AWSDynamoDB/{name}/manifest-files.json",
            "billedSizeBytes": 0,
            "itemCount": sum(entry["itemCount"] for entry in self.entries),
            "outputFormat": "DYNAMODB_JSON",
            "exportType": "INCREMENTAL_EXPORT" if self.incremental else "FULL_EXPORT",
        }


def export(directory: Path, name: str = "01772368496789-a1b2c3d4", *, incremental: bool = False) -> Exported:
    """An export without files."""
    return Exported(directory / "AWSDynamoDB" / name, incremental)


def item_line(item: Mapping[str, Any]) -> bytes:
    """A line of a full export."""
    return compact({"Item": item})


def change_line(micros: int, new: Any = None, old: Any = None) -> bytes:
    """A line of an incremental export; an image that is None isn't there."""
    images = {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image is not None}
    key = {"id": {"S": str(micros)}}
    return compact({"Metadata": {"WriteTimestampMicros": {"N": str(micros)}}, "Keys": key, **images})


def insert_event(item: Mapping[str, Any]) -> bytes:
    """The change event that an item of a full export stands for."""
    return _event("INSERT", TIME_MS, "MILLISECOND", NewImage=item)


def change_event(micros: int, new: Any = None, old: Any = None) -> bytes:
    """The change event that a line of an incremental export stands for."""
    name = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    return _event(name, micros, "MICROSECOND", NewImage=new, OldImage=old)


def _event(name: str, time: int, precision: str, **images: Any) -> bytes:
    created = {"ApproximateCreationDateTime": time, "ApproximateCreationDateTimePrecision": precision}
    present = {key: image for key, image in images.items() if image is not None}
    return compact({"eventName": name, "dynamodb": {**created, **present}})


def md5(body: bytes) -> str:
    """As the manifest has it."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def compact(content: Any) -> bytes:
    """JSON without white space, as DynamoDB writes it, and of what is beyond ASCII the half that UTF-8 can't hold escaped."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
