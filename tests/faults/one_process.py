"""Commands run one after the other in one process, which starts Spark once: each follows one that ended by itself."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from tests.faults.long import SECONDS
from tests.jobs.job import Finished, Job, Running

_MAIN = """
import importlib, json, sys
for line in open(sys.argv[1]):
    name, *arguments = json.loads(line)
    module = importlib.import_module(f"jobs.{name}")
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"jobs.{name}.__main__")
    code = module.main(arguments)
    print(json.dumps({"event": "exit", "code": code}), flush=True)
"""
# Spark says that from the second run on.
_AGAIN = "DataSourceManager: The data source kinesis replaced a previously registered data source."

Said = tuple[str, str]
"""Standard output and standard error so far."""


@dataclass(frozen=True)
class OneProcess:
    """A process that takes commands until it is closed; what each said is what was added to its output meanwhile."""

    job: Job
    running: Running
    commands: TextIO

    def run(self, *arguments: str) -> Finished:
        """Run the job until it has caught up, or ends for another reason."""
        return self.command("archive", "--until-caught-up", *arguments)

    def run_while(self, act: Callable[[], object]) -> Finished:
        """Run the job until it ends by itself; ``act`` once it has archived a batch."""
        so_far = len(self.running.batches())
        run = self.begin("archive")
        self.running.wait_for(lambda: len(self.running.batches()) > so_far)
        act()
        return self.end(run)

    def command(self, name: str, *arguments: str) -> Finished:
        """Run one of the commands on the job's conf."""
        return self.end(self.begin(name, *arguments))

    def begin(self, name: str, *arguments: str) -> Said:
        """Give a command that goes on meanwhile; returns what had been said before it."""
        before = self._said()
        words = [name, "--conf", str(self.job.conf_file()), *arguments]
        print(json.dumps(words), file=self.commands, flush=True)
        return before

    def end(self, before: Said) -> Finished:
        """Wait for the end of the command that was given after that had been said."""
        self.running.wait_for(lambda: '{"event": "exit", ' in self._said()[0][len(before[0]) :], SECONDS)
        out, err = (now[len(then) :] for now, then in zip(self._said(), before, strict=True))
        *lines, last = out.splitlines(keepends=True)
        complaints = "".join(line for line in err.splitlines(keepends=True) if _AGAIN not in line)
        return Finished(json.loads(last)["code"], "".join(lines), complaints)

    def _said(self) -> Said:
        return self.running.out.read_text(), self.running.err.read_text()


@contextmanager
def one_process(job: Job, **environment: str) -> Iterator[OneProcess]:
    """Start a process for the job's runs; it is gone when the block ends."""
    fifo = job.directory / "commands"
    os.mkfifo(fifo)
    with job.process([sys.executable, "-c", _MAIN, str(fifo)], environment) as running:
        with fifo.open("w", encoding="utf-8") as commands:
            yield OneProcess(job, running, commands)
        assert running.end().code == 0
