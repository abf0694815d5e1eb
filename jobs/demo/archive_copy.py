"""Fetches what the job left in the emulated bucket and catalog, and reads it back with readers of its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.demo.emulator import Clients
from jobs.errors import PipelineError


class ArchiveUnreadable(PipelineError):
    """What the job left can't be read back."""


@dataclass
class TypeFigures:
    """What one record type has in the archive: containers, their bytes, records, deleted ones, partition dates."""

    objects: int = 0
    bytes: int = 0
    records: int = 0
    deleted: int = 0
    dates: set[str] = field(default_factory=set)


@dataclass
class Archive:
    """The archive as its readers see it; `live` and `scrubbed` are a record each, to show."""

    types: dict[str, TypeFigures] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    error_objects: int = 0
    error_bytes: int = 0
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    live: dict[str, Any] | None = None
    scrubbed: dict[str, Any] | None = None

    @property
    def archived(self) -> int:
        """Records in all containers."""
        return sum(figures.records for figures in self.types.values())

    @property
    def failed(self) -> int:
        """Change events in all archive errors."""
        return self.errors.total()


def download(aws: Clients, bucket: str, prefix: str, to: Path) -> None:
    """Copy every object below `prefix` into the directory `to`."""
    s3 = aws.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for item in page.get("Contents", []):
            path = to / item["Key"].removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())


def read_archive(directory: Path) -> Archive:
    """Count and sample what is in the copy of an archive.

    Raises:
        ArchiveUnreadable: A container is none, or what it takes to read one is not installed.
    """
    archive = Archive()
    for path in sorted(directory.glob("data/*/partition_date=*/*.avro")):
        _read_container(path, archive)
    for path in sorted(directory.glob("errors/*.json")):
        archive.error_objects += 1
        archive.error_bytes += path.stat().st_size
        error = json.loads(path.read_text(encoding="utf-8"))
        archive.errors[error["error"]["message"]] += len(error["events"])
    for path in sorted(directory.glob("deliveries/*/*.json")):
        archive.deliveries.append(json.loads(path.read_text(encoding="utf-8")))
    return archive


def partitions(aws: Clients, database: str) -> dict[str, list[str]]:
    """The registered partition dates of each table in the catalog; a table without partition keys has none."""
    glue = aws.client("glue")
    found: dict[str, list[str]] = {}
    for tables in glue.get_paginator("get_tables").paginate(DatabaseName=database):
        for table in tables["TableList"]:
            pages = glue.get_paginator("get_partitions").paginate(
                DatabaseName=database, TableName=table["Name"]
            )
            found[table["Name"]] = sorted(part["Values"][0] for page in pages for part in page["Partitions"])
    return found


def _read_container(path: Path, archive: Archive) -> None:
    figures = archive.types.setdefault(path.parts[-3], TypeFigures())
    figures.objects += 1
    figures.bytes += path.stat().st_size
    figures.dates.add(path.parts[-2].removeprefix("partition_date="))
    for record in _records(path):
        figures.records += 1
        figures.deleted += bool(record["isDeleted"])
        _keep_samples(record, archive)


def _keep_samples(record: dict[str, Any], archive: Archive) -> None:
    """A demand that lives, and one that was deleted by its removal, each with as much in it as can be."""
    if record["type"] != "demand" or not record["phoneNumber"] or not record["email"]:
        return
    if record["isDeleted"] and record["change"]["name"] == "REMOVE" and record["systemUserId"]:
        archive.scrubbed = archive.scrubbed or record
    if not record["isDeleted"] and record["system"] and record["date"]["notified"]:
        archive.live = archive.live or record


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        from fastavro import reader
    except ImportError as error:
        raise ArchiveUnreadable(f"fastavro is not installed ({error}): run `make setup`") from None
    with path.open("rb") as container:
        try:
            for record in reader(container):
                assert isinstance(record, dict)
                yield record
        except (ValueError, EOFError) as error:
            raise ArchiveUnreadable(f"{path} can't be read back: {error}") from None
