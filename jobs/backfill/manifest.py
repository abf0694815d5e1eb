"""The manifest of a DynamoDB export to S3, in the format that the DynamoDB developer guide documents."""

import hashlib
import json
import posixpath
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jobs.backfill.errors import BadInput
from jobs.instants import EPOCH, from_iso
from jobs.sinks.failures import ObjectMissing
from jobs.sinks.storage import Storage

FULL, INCREMENTAL = "FULL_EXPORT", "INCREMENTAL_EXPORT"
SUMMARY = "manifest-summary.json"
_FILES = "manifest-files.json"
# The developer guide names the latter, exports hold the former.
_CHECKSUMS = (".md5", ".checksum")
_ROOT = "AWSDynamoDB/"


@dataclass(frozen=True)
class ExportFile:
    """A data file: its ``name`` in the manifest, its key in the input's storage, its items and MD5 (base64)."""

    name: str
    key: str
    items: int
    md5: str


@dataclass(frozen=True)
class Manifest:
    """What an export says of itself.

    ``type`` is FULL or INCREMENTAL, ``time_ms`` the instant of a full export in epoch milliseconds, ``digest`` the
    SHA-256 of the list of files.
    """

    arn: str
    type: str
    time_ms: int
    digest: str
    files: Sequence[ExportFile]


def read_manifest(storage: Storage, folder: str) -> Manifest:
    """The manifest of the export in ``folder``. Raises ``BadInput`` where it isn't whole or isn't one that can be read."""
    summary = _summary(storage, folder)
    try:
        if summary["outputFormat"] != "DYNAMODB_JSON":
            raise BadInput(f"{folder} is an export as {summary['outputFormat']}: export it as DYNAMODB_JSON")
        text = _list_of_files(storage, folder)
        files = [_file(json.loads(line), summary, folder) for line in text.splitlines() if line.strip()]
        manifest = Manifest(
            arn=summary["exportArn"],
            type=summary.get("exportType") or FULL,
            time_ms=_epoch_ms(summary, folder),
            digest=hashlib.sha256(text).hexdigest(),
            files=sorted(files, key=lambda file: file.name),
        )
        _check_items(manifest, summary["itemCount"], folder)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{folder}: its manifest isn't one of DynamoDB's ({type(error).__name__})") from error
    return manifest


def _summary(storage: Storage, folder: str) -> Mapping[str, Any]:
    try:
        text = storage.get(f"{folder}/{SUMMARY}")
    except ObjectMissing:
        raise BadInput(
            f"{folder} has no {SUMMARY}: give the export's own folder, and wait until DynamoDB has completed it"
        ) from None
    _check_sum(storage, f"{folder}/{SUMMARY}", text)
    try:
        summary = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{folder}/{SUMMARY} is no JSON: fetch it again") from error
    if not isinstance(summary, dict):
        raise BadInput(f"{folder}/{SUMMARY} is no JSON object: fetch it again")
    return summary


def _list_of_files(storage: Storage, folder: str) -> bytes:
    try:
        text = storage.get(f"{folder}/{_FILES}")
    except ObjectMissing:
        raise BadInput(f"{folder} has no {_FILES}: fetch the whole export") from None
    _check_sum(storage, f"{folder}/{_FILES}", text)
    return text


def _check_sum(storage: Storage, key: str, text: bytes) -> None:
    """Raise ``BadInput`` where a manifest isn't what the checksum beside it says; it may not have been fetched."""
    digest = hashlib.md5(text, usedforsecurity=False)
    for suffix in _CHECKSUMS:
        checksum = key.removesuffix(".json") + suffix
        try:
            expected = storage.get(checksum).strip()
        except ObjectMissing:
            continue
        if expected not in (b64encode(digest.digest()), digest.hexdigest().encode()):
            raise BadInput(f"{key} hasn't the MD5 that {checksum} says: fetch both again")


def _file(entry: Mapping[str, Any], summary: Mapping[str, Any], folder: str) -> ExportFile:
    """Where an entry's file is: it lies to the manifest as it did where DynamoDB wrote both, wherever they are now."""
    name = entry["dataFileS3Key"]
    if not name.endswith(".gz"):
        raise BadInput(f"{folder}: {name} is no gzip file, which all files of an export are")
    manifest = _below_root(summary["manifestFilesS3Key"])
    relative = posixpath.relpath(_below_root(name), posixpath.dirname(manifest))
    key = posixpath.normpath(posixpath.join(folder, relative))
    return ExportFile(name, key, int(entry["itemCount"]), entry["md5Checksum"])


def _below_root(key: str) -> str:
    return _ROOT + key.partition(_ROOT)[2] if _ROOT in key else key


def _epoch_ms(summary: Mapping[str, Any], folder: str) -> int:
    name = "exportTime" if "exportTime" in summary else "exportToTime"
    try:
        return (from_iso(summary[name]) - EPOCH) // timedelta(milliseconds=1)
    except (KeyError, TypeError, ValueError):
        raise BadInput(f"{folder}/{SUMMARY}: {name} is no instant: fetch it again") from None


def _check_items(manifest: Manifest, total: int, folder: str) -> None:
    counted = sum(file.items for file in manifest.files)
    if counted != total:
        raise BadInput(
            f"{folder}: {SUMMARY} says {total} items, the files of {_FILES} hold {counted}: fetch both again"
        )
