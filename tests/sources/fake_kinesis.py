"""A Kinesis endpoint in this process for what no emulator does: faults, trimming, expired shards, odd pages.

It answers real HTTP, so clients, their retries and their parsers are the real ones, in Spark's workers too. Where
the emulators are lax it behaves as AWS documents: a position below the horizon is silently moved up to it, an
iterator can expire, a page can be empty although records follow.
"""

import base64
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.emulators import EmulatedKinesis

STREAM = "fake"
FIRST_SEQUENCE = 49_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000
CREATED = 1_700_000_000.0
HANG_UP = 0
Answer = tuple[int, dict[str, Any] | bytes]


@dataclass
class FakeShard:
    """A shard: its records as JSON texts with their sequence numbers and arrival times."""

    id: str
    parents: tuple[str, ...] = ()
    closed: bool = False
    listed: bool = True
    trimmed: int = 0
    empty_pages: int = 0
    sequences: list[int] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    records: list[str] = field(default_factory=list)


@dataclass
class Fault:
    """An error answer to the next ``times`` calls of an operation (for one shard, where one is given).

    Status HANG_UP closes the connection without an answer.
    """

    operation: str
    code: str
    times: int
    status: int = 400
    shard: str | None = None


class FakeKinesis:
    """One stream. Everything may be changed while it is read."""

    def __init__(self) -> None:
        self.shards: dict[str, FakeShard] = {}
        self.faults: list[Fault] = []
        self.calls: list[tuple[float, str, str | None]] = []
        self.retention_hours = 24
        self.page_cap = 10_000
        self.lag_is_always_zero = False
        self.lag_ms = 60_000
        self.created = CREATED
        self.account = "123456789012"
        self.clock_offset = 0.0
        self._expired_before = 0
        self._serial = 0
        self._lock = threading.Lock()

    def add_shard(self, number: int, parents: tuple[int, ...] = ()) -> str:
        """A new shard, closing its parents; returns its id."""
        shard = FakeShard(_id(number), tuple(_id(parent) for parent in parents))
        for parent in shard.parents:
            self.shards[parent].closed = True
        self.shards[shard.id] = shard
        return shard.id

    def put(self, shard: str, bodies: list[bytes], age_seconds: float = 0.0) -> list[bytes]:
        """Appends records that arrived ``age_seconds`` ago; returns the bodies, for a ledger."""
        to, arrived = self.shards[shard], time.time() - age_seconds
        number = int(shard.rsplit("-", 1)[1])
        for body in bodies:
            # Uneven steps, and 9s that become 10s: only comparing numbers as numbers gets these right.
            sequence = (to.sequences[-1] if to.sequences else FIRST_SEQUENCE - 25 + number) + 7
            record = {
                "Data": base64.b64encode(body).decode(),
                "PartitionKey": f"key-{sequence % 10}",
                "SequenceNumber": str(sequence),
                "ApproximateArrivalTimestamp": round(arrived, 3),
            }
            to.sequences.append(sequence)
            to.arrivals.append(arrived)
            to.records.append(json.dumps(record))
        return bodies

    def trim(self, shard: str, count: int) -> None:
        """Drops the oldest ``count`` records, as the retention period does."""
        self.shards[shard].trimmed = count

    def expire_iterators(self) -> None:
        """Every iterator given out so far is too old from now on."""
        self._expired_before = self._serial + 1

    def count(self, operation: str, shard: str | None = None) -> int:
        """How many calls of an operation came in."""
        return sum(1 for _, called, on in self.calls if called == operation and shard in (None, on))

    def answer(self, operation: str, body: dict[str, Any]) -> Answer:
        """The answer to a call."""
        with self._lock:
            shard = body.get("ShardId") or body.get("ShardIterator", "").split("|")[0] or None
            self.calls.append((time.monotonic(), operation, shard))
            for fault in self.faults:
                if fault.times and fault.operation == operation and fault.shard in (None, shard):
                    fault.times -= 1
                    return fault.status, {"__type": fault.code, "message": "a fault of the test"}
            handler = {
                "DescribeStreamSummary": self._summary,
                "ListShards": self._list,
                "GetShardIterator": self._iterator,
                "GetRecords": self._records,
            }[operation]
            return handler(body)

    def _summary(self, body: dict[str, Any]) -> Answer:
        if body["StreamName"] != STREAM:
            return _error("ResourceNotFoundException")
        summary = {
            "StreamName": STREAM,
            "StreamARN": f"arn:aws:kinesis:eu-west-1:{self.account}:stream/{STREAM}",
            "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": self.retention_hours,
            "StreamCreationTimestamp": self.created,
            "EnhancedMonitoring": [],
            "OpenShardCount": sum(not shard.closed for shard in self.shards.values()),
        }
        return 200, {"StreamDescriptionSummary": summary}

    def _list(self, body: dict[str, Any]) -> Answer:
        if body.get("StreamName", STREAM) != STREAM:
            return _error("ResourceNotFoundException")
        listed = [shard for shard in self.shards.values() if shard.listed]
        first = int(body.get("NextToken", "0"))
        page: dict[str, Any] = {"Shards": [_described(shard) for shard in listed[first : first + 100]]}
        if first + 100 < len(listed):
            page["NextToken"] = str(first + 100)
        return 200, page

    def _iterator(self, body: dict[str, Any]) -> Answer:
        shard = self.shards.get(body["ShardId"])
        if shard is None or not shard.listed:
            return _error("ResourceNotFoundException")
        kind = body["ShardIteratorType"]
        index = 0
        if kind == "AT_TIMESTAMP":
            index = sum(arrived < body["Timestamp"] for arrived in shard.arrivals)
        elif kind == "AT_SEQUENCE_NUMBER":
            index = sum(sequence < int(body["StartingSequenceNumber"]) for sequence in shard.sequences)
        return 200, {"ShardIterator": self._token(shard, index)}

    def _token(self, shard: FakeShard, index: int) -> str:
        self._serial += 1
        return f"{shard.id}|{index}|{self._serial}"

    def _records(self, body: dict[str, Any]) -> Answer:
        name, at, serial = body["ShardIterator"].split("|")
        if int(serial) < self._expired_before:
            return _error("ExpiredIteratorException")
        shard = self.shards[name]
        if not shard.listed:
            return _error("ResourceNotFoundException")
        first = max(int(at), shard.trimmed)
        last = min(first + min(body["Limit"], self.page_cap), len(shard.records))
        if shard.empty_pages:
            shard.empty_pages -= 1
            last = first
        return 200, self._page(shard, first, last)

    def _page(self, shard: FakeShard, first: int, last: int) -> bytes:
        all_read = last == len(shard.records)
        lag = 0 if all_read or self.lag_is_always_zero else self.lag_ms
        following = (
            "" if all_read and shard.closed else f', "NextShardIterator": "{self._token(shard, last)}"'
        )
        records = ", ".join(shard.records[first:last])
        return f'{{"Records": [{records}], "MillisBehindLatest": {lag}{following}}}'.encode()

    @contextmanager
    def serving(self) -> Iterator[EmulatedKinesis]:
        """Answers on loopback while the ``with`` block runs."""
        server = _Server(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield EmulatedKinesis(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)

    def ledger(self) -> Counter[bytes]:
        """Every body that was ever put."""
        texts = (json.loads(record)["Data"] for shard in self.shards.values() for record in shard.records)
        return Counter(base64.b64decode(text) for text in texts)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was stopped in the middle of a call is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(fake: FakeKinesis) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = fake.answer(self.headers["X-Amz-Target"].split(".")[1], body)
            if status == HANG_UP:
                self.close_connection = True
                return
            payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(time.time() + fake.clock_offset)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler


def _id(number: int) -> str:
    return f"shardId-{number:012d}"


def _described(shard: FakeShard) -> dict[str, Any]:
    names = ("ParentShardId", "AdjacentParentShardId")
    return {
        "ShardId": shard.id,
        **dict(zip(names, shard.parents, strict=False)),
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
        "SequenceNumberRange": {"StartingSequenceNumber": str(FIRST_SEQUENCE - 25)},
    }


def _error(code: str) -> Answer:
    return 400, {"__type": code, "message": "as AWS says it"}
