"""A proxy in front of the emulated services that does to chosen requests what networks and services do at their worst.

It stands between the job and moto, so that clients, retries and parsers are the real ones, in Spark's workers too.
"""

import http.client
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, cast

_HOP_BY_HOP = {"connection", "expect", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Request:
    """``target`` is the operation of services that name it in a header (Kinesis, Glue), else empty."""

    method: str
    path: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer as the service gave it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fault(Protocol):
    """What is done to a request; ``forward`` asks the service."""

    def __call__(self, exchange: "Exchange") -> None: ...


@dataclass
class Rule:
    """A fault for the requests that match, from the ``skip``-th on, ``times`` times (None: for ever).

    ``method`` and ``target`` are compared, ``path`` is a pattern to be found in the request's path. ``fired`` counts.
    """

    fault: Fault
    method: str = ""
    path: str = ""
    target: str = ""
    skip: int = 0
    times: int | None = 1
    seen: int = 0
    fired: int = 0

    def fires(self, request: Request) -> bool:
        """Whether this request is one of them; counts it."""
        if self.method not in ("", request.method) or self.target not in ("", request.target):
            return False
        if not re.search(self.path, request.path) or self.fired == self.times:
            return False
        self.seen += 1
        if self.seen <= self.skip:
            return False
        self.fired += 1
        return True


@dataclass
class Proxy:
    """``rules`` may change at any moment; the first one that fires decides. ``requests`` are those that came."""

    behind: str
    url: str = ""
    rules: list[Rule] = field(default_factory=list)
    requests: list[tuple[float, Request]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rule_for(self, request: Request) -> Rule | None:
        """The rule that decides about a request."""
        with self._lock:
            self.requests.append((time.monotonic(), request))
            return next((rule for rule in self.rules if rule.fires(request)), None)

    def count(self, method: str, path: str) -> int:
        """How many such requests came."""
        return sum(each.method == method and bool(re.search(path, each.path)) for _, each in self.requests)


def refused(status: int, code: str) -> Fault:
    """The service refuses, in words that clients of S3, Kinesis and Glue each understand."""

    def fault(exchange: "Exchange") -> None:
        if exchange.request.target:
            body = f'{{"__type":"{code}","message":"scripted"}}'
        else:
            body = f"<Error><Code>{code}</Code><Message>scripted</Message></Error>"
        exchange.give(Answer(status, {}, b"" if exchange.request.method == "HEAD" else body.encode()))

    return fault


def reset(exchange: "Exchange") -> None:
    """The connection is reset before the service sees the request."""
    exchange.reset()


def reset_after(exchange: "Exchange") -> None:
    """The service does what it was asked for, but the answer is lost."""
    exchange.forward()
    exchange.reset()


def silent_after(seconds: float) -> Fault:
    """The service does what it was asked for, and the answer doesn't come in time."""

    def fault(exchange: "Exchange") -> None:
        exchange.forward()
        time.sleep(seconds)
        exchange.reset()

    return fault


def short_body(exchange: "Exchange") -> None:
    """The answer ends in its middle."""
    answer = exchange.forward()
    exchange.give(answer, len(answer.body) // 2)


def before(action: Callable[[], object]) -> Fault:
    """Something happens when the request arrives; it never reaches the service."""

    def fault(exchange: "Exchange") -> None:
        action()
        exchange.reset()

    return fault


def after(action: Callable[[], object]) -> Fault:
    """Something happens once the service has done what it was asked for; the answer never arrives."""

    def fault(exchange: "Exchange") -> None:
        exchange.forward()
        action()
        exchange.reset()

    return fault


def meanwhile(action: Callable[[], object]) -> Fault:
    """Something happens while the request waits; then it goes its way."""

    def fault(exchange: "Exchange") -> None:
        action()
        exchange.give(exchange.forward())

    return fault


class Exchange(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    request: Any

    def handle_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            # Its sender was killed: passed on, what had arrived would count as the whole.
            self.close_connection = True
            return
        target = (self.headers.get("X-Amz-Target") or "").rpartition(".")[2]
        self.request = Request(self.command, self.path, target, dict(self.headers.items()), body)
        rule = cast(_Server, self.server).proxy.rule_for(self.request)
        if rule is None:
            self.give(self.forward())
        else:
            rule.fault(self)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_one  # noqa: N815

    def forward(self) -> Answer:
        """Ask the service."""
        host = cast(_Server, self.server).proxy.behind.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            headers = {k: v for k, v in self.request.headers.items() if k.lower() not in _HOP_BY_HOP}
            connection.request(self.request.method, self.request.path, self.request.body, headers)
            answer = connection.getresponse()
            kept = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP}
            length = answer.getheader("Content-Length")
            if self.request.method == "HEAD" and length:
                kept["Content-Length"] = length
            return Answer(answer.status, kept, answer.read())
        finally:
            connection.close()

    def give(self, answer: Answer, cut_at: int | None = None) -> None:
        """Answer the client; cut short, the connection ends after so many bytes of the body."""
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[:cut_at])
        if cut_at is not None:
            self.close_connection = True

    def reset(self) -> None:
        """Close the connection so that the client sees a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.proxy = proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a call is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close without the goodbye that would turn a reset into a proper end."""
        self.close_request(request)


@contextmanager
def proxy_of(behind: str) -> Iterator[Proxy]:
    """Serve in front of the service at that URL while the block runs."""
    proxy = Proxy(behind)
    server = _Server(proxy)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
