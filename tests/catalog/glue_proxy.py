"""A Glue in front of the emulated one: it counts what is asked, and can be made to refuse or fall silent."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

Reply = tuple[int, dict[str, Any]]


def refuse(code: str, status: int = 400) -> Reply:
    """An answer that boto3 raises."""
    return status, {"__type": code, "message": "scripted"}


@dataclass
class GlueProxy:
    """``asked`` holds (operation, request); ``answer`` may answer an operation instead of the emulator."""

    behind: str
    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: Callable[[str, dict[str, Any]], Reply | None] = lambda _operation, _request: None
    is_silent: bool = False

    def calls(self) -> Counter[str]:
        """How often each operation was asked for since the last time."""
        counted = Counter(operation for operation, _ in self.asked)
        self.asked.clear()
        return counted


class _Server(ThreadingHTTPServer):
    def __init__(self, proxy: GlueProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        proxy = cast(_Server, self.server).proxy
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        proxy.asked.append((operation, json.loads(body)))
        if proxy.is_silent:
            return
        reply = proxy.answer(operation, json.loads(body))
        self._send(*(self._forward(body) if reply is None else (reply[0], json.dumps(reply[1]).encode())))

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310
            cast(_Server, self.server).proxy.behind, body, dict(self.headers.items()), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def glue_proxy(behind: str) -> Iterator[GlueProxy]:
    proxy = GlueProxy(behind)
    server = _Server(proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
