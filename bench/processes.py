"""CPU time and memory of this process and all that it started: the JVM and its Python workers."""

import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_PROC = Path("/proc")
_PERIOD = 0.5


@dataclass(frozen=True)
class Process:
    """One process; ``cpu_seconds`` is user and system time, with that of its children that have ended."""

    pid: int
    parent: int
    name: str
    cpu_seconds: float
    resident_bytes: int


def process_tree(root: int) -> list[Process]:
    """The process ``root`` and its descendants; none where the system has no ``/proc`` (macOS)."""
    processes = {process.pid: process for process in _all()}
    return [process for process in processes.values() if _descends(process, root, processes)]


def cpu_seconds() -> float | None:
    """CPU seconds that this process and its descendants took so far; None where they can't be known."""
    tree = process_tree(os.getpid())
    return sum(process.cpu_seconds for process in tree) if tree else None


def _all() -> Iterator[Process]:
    for entry in _PROC.glob("[0-9]*/stat"):
        try:
            text = entry.read_text(errors="replace")
        except OSError:
            continue  # it ended just now
        yield _process(int(entry.parent.name), text)


def _process(pid: int, stat: str) -> Process:
    # The name is in parentheses and may hold any character; the fields behind it are numbered from 3 in proc(5).
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()
    ticks = sum(int(field) for field in fields[11:15])
    resident = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Process(pid, int(fields[1]), name, ticks / os.sysconf("SC_CLK_TCK"), resident)


def _descends(process: Process | None, root: int, processes: dict[int, Process]) -> bool:
    while process is not None and process.pid != root:
        process = processes.get(process.parent)
    return process is not None


class PeakMemory:
    """Looks twice a second, while the context lasts, at the resident memory of the process tree.

    ``peaks`` then has the most bytes at once of the ``JVM``, of all ``Python workers`` together and of this process,
    the ``driver``; pages that workers share count for each. It is empty where they can't be known. Processes in ``apart``
    count under the name that they have there.
    """

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self.apart: Mapping[int, str] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_PERIOD):
            self._look()

    def _look(self) -> None:
        now: dict[str, int] = {}
        for process in process_tree(os.getpid()):
            kind = self.apart.get(process.pid) or _kind(process)
            now[kind] = now.get(kind, 0) + process.resident_bytes
        for kind, size in now.items():
            self.peaks[kind] = max(size, self.peaks.get(kind, 0))


def _kind(process: Process) -> str:
    if process.pid == os.getpid():
        return "driver"
    return "JVM" if process.name == "java" else "Python workers"
