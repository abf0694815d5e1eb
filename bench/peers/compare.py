"""Whether two archives hold the same: records by type and partition date, events by message of archive errors."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import fastavro

from jobs.errors import PipelineError

_WHOLE = 1 << 128


class ArchivesDiffer(PipelineError):
    """A peer's archive isn't the job's: its time counts for nothing."""


class Sum(NamedTuple):
    """How many records or events, and the sum of their digests: the same for the same multiset in any order."""

    size: int
    digests: int


Contents = dict[str, Sum]


def contents(archive: Path) -> Contents:
    """What an archive holds, by group: ``demand of 2026-03-01``, or the message of archive errors."""
    found: Contents = {}
    for group, text in entries(archive):
        size, digests = found.get(group, (0, 0))
        digest = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
        found[group] = Sum(size + 1, (digests + digest) % _WHOLE)
    return found


def entries(archive: Path) -> Iterator[tuple[str, str]]:
    """Every record as JSON and every failed event as its text, with its group."""
    for container in sorted(archive.glob("data/*/partition_date=*/*.avro")):
        folder = container.parent
        group = f"{folder.parent.name} of {folder.name.removeprefix('partition_date=')}"
        with container.open("rb") as file:
            for record in fastavro.reader(file):
                yield group, json.dumps(record, ensure_ascii=False)
    for path in sorted(archive.glob("errors/*.json")):
        error = json.loads(path.read_text(encoding="utf-8"))
        for event in error["events"]:
            yield error["error"]["message"], event


def check_same(name: str, peer: Contents, job: Contents) -> None:
    """Raise ``ArchivesDiffer`` unless the peer of that name archived what the job did."""
    different = [
        f"{group}: {peer.get(group, Sum(0, 0)).size:,}, the job {job.get(group, Sum(0, 0)).size:,}"
        for group in sorted(peer.keys() | job.keys())
        if peer.get(group) != job.get(group)
    ]
    if different:
        raise ArchivesDiffer(
            f"{name} made other records or errors than the job, so that times can't be compared: "
            f"{'; '.join(different[:5])}{'; …' if different[5:] else ''}: run the tests"
        )
