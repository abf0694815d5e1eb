"""Runs the archive job as users run it: a process of its own, a conf file, AWS from the environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from jobs.demo.emulator import REGION
from jobs.errors import PipelineError

_END_SECONDS = 20


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


def run_job(conf: Path, log: Path, environment: Mapping[str, str], seconds: float) -> None:
    """Run the job until it has caught up; its standard output goes to `log`, its errors to `log` with `.err`.

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
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise JobError(
                f"the archive job did not end within {seconds:g} s: see {log} and {complaints}"
            ) from None
        finally:
            _end(process)
    if code != 0:
        raise JobError(f"the archive job failed with exit code {code}: {_last_line(complaints, log)}")
    if not complaints.stat().st_size:
        complaints.unlink()


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
