"""Puts the made-up change events on the emulated stream, and writes them down for whoever wants to look."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jobs.demo.emulator import REGION, Clients, Emulator, EmulatorError
from jobs.demo.generator import Change

_RECORDS_PER_CALL, _BYTES_PER_CALL = 500, 4_500_000
_ATTEMPTS, _WAIT_SECONDS = 60, 0.5


def create_stream(aws: Emulator, name: str, shards: int) -> None:
    """Make the stream and wait until it can be written to.

    Raises:
        EmulatorError: It isn't ready after half a minute.
    """
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    for _ in range(_ATTEMPTS):
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        if summary["StreamStatus"] == "ACTIVE":
            return
        time.sleep(_WAIT_SECONDS)
    raise EmulatorError(f"the emulated stream {name} did not become active")


def create_bucket(aws: Emulator, name: str) -> None:
    """Make the bucket."""
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def publish(aws: Clients, stream: str, changes: Iterable[Change]) -> int:
    """Put the changes on the stream and return how many there were.

    Raises:
        EmulatorError: The stream refused some of them again and again.
    """
    kinesis, count = aws.client("kinesis"), 0
    for batch in _calls(changes):
        _put(kinesis, stream, batch)
        count += len(batch)
    return count


def write_down(changes: Iterable[Change], path: Path) -> None:
    """One JSON line per change: its kind, its partition key, and its payload as text (or base64 where it is none)."""
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        for change in changes:
            line = {"kind": change.kind, "partitionKey": change.partition_key, **_payload(change.data)}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")


def _payload(data: bytes) -> dict[str, str]:
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"dataBase64": base64.b64encode(data).decode()}


def _calls(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """The changes in portions that one PutRecords call may carry."""
    batch: list[Change] = []
    size = 0
    for change in changes:
        if batch and (len(batch) == _RECORDS_PER_CALL or size + len(change.data) > _BYTES_PER_CALL):
            yield batch
            batch, size = [], 0
        batch.append(change)
        size += len(change.data) + len(change.partition_key)
    if batch:
        yield batch


def _put(kinesis: Any, stream: str, batch: list[Change]) -> None:
    entries = [{"Data": change.data, "PartitionKey": change.partition_key} for change in batch]
    for _ in range(_ATTEMPTS):
        answer = kinesis.put_records(StreamName=stream, Records=entries)
        entries = [e for e, result in zip(entries, answer["Records"], strict=True) if "ErrorCode" in result]
        if not entries:
            return
        time.sleep(_WAIT_SECONDS)
    raise EmulatorError(f"the emulated stream {stream} refused {len(entries)} change events again and again")
