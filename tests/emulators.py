"""Emulated AWS for the tests, in processes of their own on loopback, that end when the test process does.

``moto`` (Kinesis, S3, Glue) serves wherever plain behaviour is enough. Its shard splits aren't faithful, so whatever
splits or merges shards uses ``kinesis_mock``.
"""

import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from jobs.demo.emulator import REGION, Emulator, clean_environment

KINESIS_MOCK = Path(__file__).parent / "kinesis_mock" / "node_modules" / "kinesis-local"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
# Ends with the process that holds the other end of its standard input, however that ends. Listens on loopback, where the
# system has a port free: one that was looked for before, another process may have taken since.
_LAUNCH = """
process.stdin.on('end', () => process.exit()).resume();
const {Server} = require('net'), {listen} = Server.prototype;
Server.prototype.listen = function (name, listening) {
  this.once('listening', () => console.log(`${name}: ${this.address().port}`));
  return listen.call(this, 0, '127.0.0.1', listening);
};
require('./main.js');
"""
_PLAIN, _TLS = "1", "2"  # names, in place of ports
_START_SECONDS = 60


@dataclass(frozen=True)
class EmulatedKinesis:
    """An emulated Kinesis: its URL, and the environment that leads a client or a child process to it."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What to put into ``os.environ``, or a child's, for this Kinesis and no real AWS."""
        settings = {"AWS_ENDPOINT_URL_KINESIS": self.url, "AWS_REGION": REGION}
        return {**clean_environment({}), **CREDENTIALS, **settings}

    def client(self) -> Any:
        """A plain boto3 client of it."""
        return boto3.client(
            "kinesis",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(proxies={}, retries={"mode": "standard", "max_attempts": 4}),
        )

    def create_stream(self, shards: int) -> str:
        """Makes a stream of its own for a test, ready to be used; returns its name."""
        client, name = self.client(), f"stream-{uuid.uuid4().hex[:12]}"
        client.create_stream(StreamName=name, ShardCount=shards)
        self.await_active(name)
        return name

    def await_active(self, stream: str) -> None:
        """Waits until a stream was made, or its shards were split or merged."""
        client, until = self.client(), time.monotonic() + 30
        while time.monotonic() < until:
            summary = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
            if summary["StreamStatus"] == "ACTIVE":
                return
            time.sleep(0.05)
        raise TimeoutError(f"stream {stream} didn't become active")


@pytest.fixture(scope="session")
def moto() -> Iterator[EmulatedKinesis]:
    """A moto server."""
    with Emulator() as aws:
        yield EmulatedKinesis(aws.url)


@pytest.fixture(scope="session")
def kinesis_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedKinesis]:
    """A kinesis-mock, faithful in splitting and merging shards; it takes some hundred records a second."""
    with started_kinesis_mock(tmp_path_factory.mktemp("kinesis-mock") / "said") as mock:
        yield mock


@contextmanager
def started_kinesis_mock(said: Path) -> Iterator[EmulatedKinesis]:
    """A kinesis-mock of its own, ended when the block ends; what it says goes into the file."""
    ports = {"KINESIS_MOCK_PLAIN_PORT": _PLAIN, "KINESIS_MOCK_TLS_PORT": _TLS}
    tuned = {"SHARD_LIMIT": "1000", "LOG_LEVEL": "ERROR", "AWS_REGION": REGION}
    durations = ("CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS")
    with said.open("wb") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("node")), "-e", _LAUNCH],
            cwd=KINESIS_MOCK,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            env={
                **clean_environment(),
                **ports,
                **tuned,
                **{f"{name}_DURATION": "50ms" for name in durations},
            },
        )
    try:
        mock = EmulatedKinesis(f"http://127.0.0.1:{_port(process, said)}")
        mock.client().list_streams()
        yield mock
    finally:
        process.kill()
        process.wait(10)


def _port(process: "subprocess.Popen[bytes]", said: Path) -> int:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(rf"^{_PLAIN}: (\d+)$", said.read_text(), re.MULTILINE):
            return int(found[1])
        time.sleep(0.1)
    raise RuntimeError(
        f"kinesis-mock didn't start from {KINESIS_MOCK}: run `make setup`; it said {said.read_text()!r}"
    )


def free_port() -> int:
    """A port of the loopback interface that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def use(monkeypatch: pytest.MonkeyPatch, kinesis: EmulatedKinesis) -> None:
    """Leads every client that this process makes from the environment to the emulated Kinesis."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kinesis.environment.items():
        monkeypatch.setenv(name, value)
