"""What an archive holds, read as a stranger would read it, and compared with the producer's ledger by the oracle.

Nothing of the job's code is used: names, delivery records, containers and error objects are judged by the rules.
"""

import base64
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq

from tests.jobs.ledger import Entry
from tests.oracle import archive as expected_of
from tests.oracle.messages import message

TIME = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z"
UUID5 = r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
CONTAINER = re.compile(
    rf"data/(demand|notification|event|sale)/partition_date=(\d{{4}}-\d\d-\d\d)/({TIME})-{UUID5}\.(?:avro|parquet)"
)
ERROR = re.compile(rf"errors/({TIME})-{UUID5}\.json")
RUN = re.compile(r"runs/[0-9a-f-]{36}\.(json|finished\.json)")
DELIVERY = re.compile(rf"deliveries/(\d{{4}}-\d\d-\d\d)/({TIME})-{UUID5}\.json")
_RECORD = ["kind", "queryId", "batchId", "timestamp", "version", "source", "counts", "deliveries", "errors", "pendingPartitions"]  # fmt: skip
_DELIVERY = ["type", "partitionDate", "count", "bytes", "sha256", "storage"]
_ERROR = ["message", "count", "bytes", "sha256", "storage"]


@dataclass(frozen=True)
class Archived:
    """Every object of an archive by its key; ``storage`` is what its objects' storage must say besides the key."""

    objects: Mapping[str, bytes]
    storage: Mapping[str, str]
    prefix: str = ""

    @classmethod
    def in_directory(cls, directory: Path) -> "Archived":
        """An archive in a local directory; files that a killed job was writing are hidden, for engines too."""
        files = [path for path in directory.rglob("*") if path.is_file() and not path.name.startswith(".")]
        objects = {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
        return cls(objects, {"type": "file", "bucket": str(directory)})

    @classmethod
    def in_bucket(cls, s3: Any, bucket: str, prefix: str) -> "Archived":
        """An archive on S3; whatever else the bucket holds is no part of it."""
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        objects = {
            key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys
        }
        return cls(objects, {"type": "s3", "bucket": bucket}, prefix)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The delivery records, in the order of their batches."""
        lines = [body for key, body in self.objects.items() if key.startswith("deliveries/")]
        return sorted((json.loads(line) for line in lines), key=lambda record: int(record["batchId"]))

    def rows(self, key: str) -> list[Any]:
        """The records of a container."""
        body = io.BytesIO(self.objects[key])
        if key.endswith(".parquet"):
            return pq.read_table(body).to_pylist()  # type: ignore[no-any-return]
        return list(fastavro.reader(body))

    def all_rows(self) -> Counter[str]:
        """Every record archived, as JSON."""
        keys = [key for key in self.objects if key.startswith("data/")]
        return Counter(json.dumps(row, sort_keys=True) for key in keys for row in self.rows(key))

    def holds(self, ledger: Iterable[Entry]) -> None:
        """Fail unless the archive holds exactly these records, batch by batch as the oracle has it."""
        left = set(ledger)
        self.is_sound()
        for record in self.records:
            entries = [entry for entry in left if _is_in(entry, record["source"]["shards"])]
            left.difference_update(entries)
            self._holds_batch(record, entries)
        assert not left, f"{len(left)} records aren't in any batch"

    def _holds_batch(self, record: Mapping[str, Any], entries: Sequence[Entry]) -> None:
        assert record["counts"]["read"] == len(entries)
        records, failures = expected_of(entries, record["timestamp"])
        found: dict[tuple[str, str], list[Any]] = {}
        for one in record["deliveries"]:
            found.setdefault((one["type"], one["partitionDate"]), []).extend(self.rows(self.key(one)))
        assert found == records
        events: dict[str, list[str]] = {}
        for one in record["errors"]:
            events.setdefault(one["message"], []).extend(json.loads(self.objects[self.key(one)])["events"])
        due: dict[str, list[tuple[tuple[str, int], str]]] = {}
        for failure, payloads in failures.items():
            due.setdefault(message(failure), []).extend(_in_order(failure.reason, payloads, entries))
        assert events == {text: [event for _, event in sorted(pairs)] for text, pairs in due.items()}

    def key(self, one: Mapping[str, Any]) -> str:
        """The key, below the prefix, of an object that a delivery record names."""
        key: str = one["storage"]["key"]
        assert one["storage"] == {**self.storage, "key": key}
        assert key.startswith(self.prefix)
        return key.removeprefix(self.prefix)

    def is_sound(self) -> None:
        """Fail unless delivery records and objects fit each other and the contract (rules, sections 5 and 6)."""
        named = [key for record in self.records for key in self._named(record)]
        assert len(named) == len(set(named)), "an object is named twice"
        deliveries = [key for key in self.objects if DELIVERY.fullmatch(key)]
        runs = [key for key in self.objects if RUN.fullmatch(key)]
        assert {*named, *deliveries, *runs} == set(self.objects), "something else is in the archive"
        assert len(deliveries) == len(self.records)
        for key in deliveries:
            self._is_contract(key, self.objects[key])

    def _named(self, record: Mapping[str, Any]) -> list[str]:
        time = record["timestamp"].replace(":", "-")
        keys: list[str] = []
        for one in [*record["deliveries"], *record["errors"]]:
            key = self.key(one)
            body = self.objects[key]
            assert (one["bytes"], one["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
            self._is_named_by_rule(key, one, time)
            keys.append(key)
        return keys

    def _is_named_by_rule(self, key: str, one: Mapping[str, Any], time: str) -> None:
        """BR-013 to BR-015, and what the object says of itself."""
        if "message" not in one:
            assert list(one) == _DELIVERY
            found = CONTAINER.fullmatch(key)
            assert found is not None, key
            assert found.groups() == (one["type"], one["partitionDate"], time)
            assert one["count"] == len(self.rows(key))
            return
        assert list(one) == _ERROR
        found = ERROR.fullmatch(key)
        assert found is not None, key
        assert found[1] == time
        text = self.objects[key].decode()
        content = json.loads(text)
        assert list(content) == ["timestamp", "error", "events"]
        assert (content["timestamp"].replace(":", "-"), content["error"]) == (
            time,
            {"message": one["message"]},
        )
        assert (text.count("\n"), text[-1], one["count"]) == (1, "\n", len(content["events"]))

    def _is_contract(self, key: str, line: bytes) -> None:
        record = json.loads(line)
        assert line.count(b"\n") == 1
        assert line.endswith(b"}\n")
        assert list(record) == _RECORD
        assert record["kind"] in ("stream", "backfill", "redrive")
        found = DELIVERY.fullmatch(key)
        assert found is not None
        assert found.groups() == (record["timestamp"][:10], record["timestamp"].replace(":", "-"))
        counts = record["counts"]
        archived, failed = (sum(one["count"] for one in record[name]) for name in ("deliveries", "errors"))
        assert counts == {"read": archived + failed, "archived": archived, "failed": failed}
        for shard in record["source"].get("shards", {}).values():
            assert list(shard) == ["after", "to"]


def _is_in(entry: Entry, shards: Mapping[str, Mapping[str, Any]]) -> bool:
    if entry.shard not in shards:
        return False
    after, to = (shards[entry.shard][end] for end in ("after", "to"))
    is_after = not _is_number(after) or int(entry.sequence) > int(after)
    is_up_to = to == "SHARD_END" or (_is_number(to) and int(entry.sequence) <= int(to))
    return is_after and is_up_to


def _is_number(position: Any) -> bool:
    return isinstance(position, str) and position.isdecimal()


def _in_order(
    reason: str, payloads: Iterable[bytes], entries: Iterable[Entry]
) -> list[tuple[tuple[str, int], str]]:
    """The events of a failure as error objects hold them, each with its place in the stream."""
    failed = set(payloads)
    return [
        ((entry.shard, int(entry.sequence)), _text(reason, entry.data))
        for entry in entries
        if entry.data in failed
    ]


def _text(reason: str, data: bytes) -> str:
    return base64.b64encode(data).decode() if reason == "not UTF-8" else data.decode()
