"""An emulated AWS (moto server: Kinesis, S3, Glue) on loopback, in a process of its own.

The process ends with the `with` block, and on its own when this process dies, however it dies: it watches its
standard input. No real credentials or endpoints ever reach it, nor the children started with `environment()`.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from jobs.errors import PipelineError

REGION = "eu-west-1"
HOST = "127.0.0.1"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
_START_SECONDS = 60
_STOP_SECONDS = 5


class EmulatorError(PipelineError):
    """The emulated AWS can't be started."""


class Clients(Protocol):
    """Whatever makes boto3 clients of an emulated AWS."""

    def client(self, service: str) -> Any:
        """A boto3 client of `service`."""


class Emulator:
    """`with Emulator() as aws:` is an empty AWS at `aws.url`; `aws.client("s3")` talks to it."""

    def __init__(self, start_seconds: float = _START_SECONDS) -> None:
        """The emulator starts on entering the `with` block and may take `start_seconds` to do so."""
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start the server and wait until it listens.

        Raises:
            EmulatorError: It ended or did not answer in time.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("moto_process.py")), HOST],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            start_new_session=True,
        )
        try:
            self.url = self._await_url(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server, whatever happened."""
        self.stop()

    def stop(self) -> None:
        """End the server's process; a second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_SECONDS)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def environment(self) -> dict[str, str]:
        """The environment for a child that is to see this AWS and no other."""
        # boto3 looks at AWS_DEFAULT_REGION only, the other clients of AWS at AWS_REGION.
        region = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        return clean_environment() | _CREDENTIALS | region | {"AWS_ENDPOINT_URL": self.url}

    def client(self, service: str) -> Any:
        """A boto3 client of `service` (`kinesis`, `s3`, `glue`) for this AWS; the process's environment stays as it is."""
        import boto3
        from botocore.config import Config

        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, retries={"mode": "standard", "max_attempts": 4}),
        )

    def _await_url(self, process: subprocess.Popen[str]) -> str:
        """The line the server prints once it listens."""
        line = _first_line(process, self._start_seconds)
        if line:
            return line
        process.kill()
        _, complaint = process.communicate(timeout=_STOP_SECONDS)
        reason = complaint.strip().splitlines()[-1:] or [f"no answer within {self._start_seconds:g} s"]
        raise EmulatorError(f"the emulated AWS did not start: {reason[0]}")


def _first_line(process: subprocess.Popen[str], seconds: float) -> str:
    """What the process prints first; empty where it ends or stays silent for `seconds`."""
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(
        target=lambda out: lines.put(out.readline()), args=(process.stdout,), daemon=True
    ).start()
    try:
        return lines.get(timeout=seconds).strip()
    except queue.Empty:
        return ""


def clean_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """`base` (default: this process's environment) without anything that leads to a real AWS or through a proxy."""
    variables = dict(os.environ if base is None else base)
    kept = {name: value for name, value in variables.items() if not name.startswith("AWS_")}
    local = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy", ""), HOST, "localhost"]))
    return kept | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": local,
        "no_proxy": local,
    }
