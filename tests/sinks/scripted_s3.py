"""An S3 that answers by a script: what moto can't be made to do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast


@dataclass
class ScriptedS3:
    """Keeps one object; ``script`` says how each request is answered, its last entry all further ones.

    An entry is a status and an S3 error code, or "store" (keep a PUT's body, or give it back), or
    "store and hang up" (keep it, but never answer).
    """

    script: list[tuple[int, str] | str]
    url: str = ""
    stored: bytes | None = None
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def step(self) -> tuple[int, str] | str:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class _Server(ThreadingHTTPServer):
    def __init__(self, served: ScriptedS3) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served = served


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._answer(None)

    def do_HEAD(self) -> None:
        self._answer(None)

    def _answer(self, body: bytes | None) -> None:
        s3 = cast(_Server, self.server).served
        s3.requests.append((self.command, {name.lower(): value for name, value in self.headers.items()}))
        step = s3.step()
        if isinstance(step, tuple):
            self._refuse(*step)
        elif body is not None and s3.stored is not None and self.headers["If-None-Match"] == "*":
            self._refuse(412, "PreconditionFailed")
        else:
            s3.stored = s3.stored if body is None else body
            self._give(step, b"" if body is not None else s3.stored or b"")

    def _give(self, step: str, body: bytes) -> None:
        if step == "store and hang up":
            self.close_connection = True
        else:
            self._send(200, body, {"ETag": '"e"'})

    def _refuse(self, status: int, code: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>scripted</Message></Error>".encode()
        self._send(status, b"" if self.command == "HEAD" else text, {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def scripted_s3(*script: tuple[int, str] | str) -> Iterator[ScriptedS3]:
    served = ScriptedS3(list(script))
    server = _Server(served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
