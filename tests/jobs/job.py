"""The archive job as users run it: a process of its own, started in an empty directory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.processes import kill_tree
from tests.no_personal_data import will_be_searched
from tests.short_run import SHORT_RUN

ROOT = Path(__file__).parents[2]
# A bound, not an expectation: eight times what the longest run takes on two idle cores.
SECONDS = 240
# The JVM says this before it reads any setting, see docs/decisions/session.md.
_OF_THE_JVM = "WARNING: Using incubator modules: jdk.incubator.vector"


@dataclass(frozen=True)
class Finished:
    """A run that has ended: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output, every line of which must be one JSON object."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def batches(self) -> list[dict[str, Any]]:
        """The log lines of batches."""
        return [line for line in self.lines if line["event"] == "batch"]

    @property
    def complaints(self) -> list[str]:
        """Standard error, without what every JVM of Spark 4.1 says."""
        return [line for line in self.err.splitlines() if line != _OF_THE_JVM]

    def succeeded(self) -> "Finished":
        """Itself, if it ended well and had nothing to complain of."""
        assert (self.code, self.complaints) == (0, []), self.err or self.out
        return self


@dataclass(frozen=True)
class Running:
    """A run that goes on; its output so far."""

    process: "subprocess.Popen[bytes]"
    out: Path
    err: Path

    def batches(self) -> list[dict[str, Any]]:
        """The log lines of the batches so far."""
        whole = self.out.read_text().rpartition("\n")[0]
        return Finished(0, whole, "").batches

    def wait_for(self, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Wait until the condition holds; fails where the job ends before."""
        until = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"the job ended: {self.err.read_text()}"
            assert time.monotonic() < until, f"it didn't happen in {seconds} s: {self.out.read_text()[-500:]}"
            time.sleep(0.05)

    def end(self, number: signal.Signals | None = None, seconds: float = SECONDS) -> Finished:
        """Send the signal, if any, and wait for the end."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        return Finished(code, self.out.read_text(), self.err.read_text())

    def interrupt(self) -> None:
        """Do what Ctrl-C in a terminal does, a signal to all processes of the job."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL for the job and all that it started, Spark's Python workers too, which lead a group of their own."""
        kill_tree(self.process.pid)
        self.process.wait(20)


@dataclass(frozen=True)
class Job:
    """A conf file and the environment that its runs get; ``directory`` also holds their output."""

    directory: Path
    environment: Mapping[str, str]
    conf: Mapping[str, Mapping[str, Any]]

    def run(self, *arguments: str, **environment: str) -> Finished:
        """Run until the job has caught up."""
        with self.started("--until-caught-up", *arguments, **environment) as running:
            return running.end()

    def command(self, name: str, *arguments: str) -> Finished:
        """Run one of the other commands on the job's conf."""
        command = [sys.executable, "-m", f"jobs.{name}", "--conf", str(self.conf_file()), *arguments]
        with self.process(command, {}) as running:
            return running.end()

    @contextmanager
    def started(self, *arguments: str, **environment: str) -> Iterator[Running]:
        """Start the job; it is gone when the block ends."""
        command = [sys.executable, "-m", "jobs.archive", "--conf", str(self.conf_file()), *arguments]
        with self.process(command, environment) as running:
            yield running

    @contextmanager
    def process(self, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Running]:
        """Start any command the way the job is started."""
        number = len(list(self.directory.glob("*.out")))
        out, err = (self.directory / f"{number}.{name}" for name in ("out", "err"))
        will_be_searched(out, err)
        cwd = self.directory / "cwd"
        cwd.mkdir(exist_ok=True)
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
                env={**self.environment, **SHORT_RUN, **environment},
                start_new_session=True,
            )
        try:
            yield Running(process, out, err)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(20)

    def conf_file(self) -> Path:
        """The conf, written down."""
        path = self.directory / "archive.toml"
        path.write_text(toml(self.conf))
        return path


def toml(conf: Mapping[str, Mapping[str, Any]]) -> str:
    """The conf as TOML; strings, numbers and booleans are written as JSON writes them."""
    lines: list[str] = []
    for section, values in conf.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
