"""A stream that can be trimmed, re-created and re-sharded, and checkpoints of it as Spark and the job leave them."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.checkpoint import claim
from jobs.doctor.__main__ import main
from jobs.sinks.storage import Storage, open_storage
from jobs.sources.kinesis import kinesis_client, load_or_keep_start
from tests.emulators import use
from tests.jobs.job import toml
from tests.sources.fake_kinesis import STREAM, FakeKinesis


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKinesis]:
    """A fake Kinesis with one empty shard, which every new client talks to."""
    kinesis = FakeKinesis()
    kinesis.add_shard(0)
    with kinesis.serving() as served:
        use(monkeypatch, served)
        yield kinesis


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks as fast as the fake answers."""
    monkeypatch.setattr("jobs.sources.kinesis.pace._WINDOW", 0.0)


@pytest.fixture
def hurried(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doesn't look for long either."""
    monkeypatch.setattr("jobs.doctor.stream.LOOK_SECONDS", 2.0)
    monkeypatch.setattr("jobs.doctor.telling.LOOK_SECONDS", 2.0)
    monkeypatch.setattr("jobs.doctor.interrupted.READ_SECONDS", 2.0)


@dataclass(frozen=True)
class Said:
    """What a run of the command left."""

    code: int
    out: str
    err: str


Doctor = Callable[..., Said]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command for the archive and the checkpoint in ``tmp_path``."""
    # It would bind the loggers of this process to the standard output of one test.
    monkeypatch.setattr("jobs.doctor.__main__.configure_logging", lambda _: None)

    def run(*arguments: str, **source: Any) -> Said:
        conf = tmp_path / "conf.toml"
        archive = {"uri": str(tmp_path / "archive"), "checkpoint": str(tmp_path / "checkpoint")}
        conf.write_text(toml({"source": {"stream": STREAM, **source}, "archive": archive}))
        capsys.readouterr()
        code = main(["--conf", str(conf), *arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


def outlook(out: str) -> str:
    """The verdict, and what follows it."""
    return out[out.index("Next start: ") :]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Storage:
    """Where the doctor looks for the checkpoint; nothing is there yet."""
    return open_storage(str(tmp_path / "checkpoint"))


def begin(checkpoint: Storage, start: str = "TRIM_HORIZON") -> None:
    """What the job leaves before its first batch."""
    claim(checkpoint, checkpoint.uri.replace("/checkpoint", "/archive"))
    load_or_keep_start(checkpoint, kinesis_client(), STREAM, start, datetime.now(UTC))
    checkpoint.put("metadata", b'{"id":"a-query"}')


def log_batch(
    checkpoint: Storage, number: int, end: dict[str, Any], *, done: bool = True, days_ago: float = 0
) -> None:
    """What Spark writes down of a batch."""
    time_ms = int((time.time() - days_ago * 86400) * 1000)
    lines = ["v1", json.dumps({"batchTimestampMs": time_ms}), json.dumps({"#records": 1, **end})]
    checkpoint.put(f"offsets/{number}", "\n".join(lines).encode())
    if done:
        checkpoint.put(f"commits/{number}", b"v1\n{}")
