"""Runs the archive job as users run it: a process of its own, a conf file, AWS from the environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs.demo.emulator import REGION
from jobs.errors import PipelineError

_END_SECONDS = 20
_LOOK_SECONDS = 0.5


class JobError(PipelineError):
    """The archive job failed or took too long."""


def write_conf(path: Path, stream: str, archive_uri: str, checkpoint: Path, database: str) -> None:
    """A conf file for the archive job, from the stream's beginning into `archive_uri`."""
    path.write_text(
        f"""\
[source]
format = "kinesis"
stream = "{stream}"
region = "{REGION}"
start = "TRIM_HORIZON"
max_records_per_batch = 2000

[archive]
uri = "{archive_uri}"
checkpoint = {_quoted(str(checkpoint))}

[catalog]
enabled = true
database = "{database}"
""",
        encoding="utf-8",
    )


def command(conf: Path) -> list[str]:
    """How the job is started."""
    return [sys.executable, "-m", "jobs.archive", "--conf", str(conf), "--until-caught-up"]


def run_job(
    conf: Path,
    log: Path,
    environment: Mapping[str, str],
    seconds: float,
    on_batch: Callable[[dict[str, Any]], None],
) -> None:
    """Run the job until it has caught up; its standard output goes to `log`, its errors to `log` with `.err`.

    `on_batch` gets the log line of every batch, as it comes.

    Raises:
        JobError: It ended with an error, or didn't end within `seconds`.
    """
    complaints = log.with_suffix(".err")
    with log.open("wb") as out, complaints.open("wb") as err:
        process = subprocess.Popen(
            command(conf),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            code = _watch(process, log, seconds, on_batch)
        finally:
            _end(process)
    if code is None:
        raise JobError(f"the archive job did not end within {seconds:g} s: see {log} and {complaints}")
    if code != 0:
        raise JobError(f"the archive job failed with exit code {code}: {_last_line(complaints, log)}")
    if not complaints.stat().st_size:
        complaints.unlink()


def _watch(
    process: subprocess.Popen[bytes], log: Path, seconds: float, on_batch: Callable[[dict[str, Any]], None]
) -> int | None:
    """Wait for the job's end and pass on its batches; None where it takes longer than `seconds`."""
    until, rest = time.monotonic() + seconds, ""
    with log.open(encoding="utf-8", errors="replace") as lines:
        while True:
            try:
                code: int | None = process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                code = None
            whole, _, rest = (rest + lines.read()).rpartition("\n")
            for batch in _batches(whole):
                on_batch(batch)
            if code is not None or time.monotonic() > until:
                return code


def _batches(text: str) -> Iterator[dict[str, Any]]:
    """The batches among these log lines."""
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("event") == "batch":
            yield entry


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the job and what it started: asked first, then made to."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END_SECONDS)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _last_line(*logs: Path) -> str:
    """The last line that anything was said in."""
    for log in logs:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if lines:
            return f"{lines[-1][:300]} (all of it in {log})"
    return "it said nothing"


def _quoted(text: str) -> str:
    """A TOML string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
