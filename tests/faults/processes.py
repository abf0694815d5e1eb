"""The processes of a job: the driver's Python, Spark's Java, its Python workers, executors."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """A process of this machine."""

    pid: int
    parent: int
    command: str


def tree(root: int) -> list[Process]:
    """The process and all that descend from it, parents first."""
    everything = list(_processes())
    found = [each for each in everything if each.pid == root]
    for process in found:
        found += [each for each in everything if each.parent == process.pid]
    return found


def kill_tree(root: int) -> None:
    """SIGKILL for the process and all that descend from it, at one instant as far as a person can tell."""
    kill(each.pid for each in tree(root))


def kill(pids: Iterator[int] | list[int]) -> None:
    """SIGKILL, and wait until they are gone (or wait for nothing but their parent)."""
    killed = list(pids)
    for pid in killed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    assert left_of(killed, 20) == [], "killed processes don't end"


def python_workers(root: int) -> list[int]:
    """The Python processes of the job that run its tasks: children of PySpark's daemon."""
    processes = tree(root)
    daemons = {each.pid for each in processes if "pyspark.daemon" in each.command}
    return [each.pid for each in processes if each.parent in daemons]


def executors(root: int) -> list[int]:
    """The Java processes that run tasks where Spark is a cluster."""
    backend = "CoarseGrainedExecutorBackend"
    return [each.pid for each in tree(root) if backend in each.command and "java" in each.command]


def java(root: int) -> list[int]:
    """Spark's Java where Spark is one process."""
    return [each.pid for each in tree(root) if "java" in each.command.split(" ")[0]]


def source_readers(root: int) -> list[int]:
    """The Python processes that find out what there is to read."""
    return [each.pid for each in tree(root) if "python_streaming_source_runner" in each.command]


def fill_disk(root: int) -> None:
    """From now on no file of Spark's Java can grow, which is what a full disk is to it."""
    for pid in java(root):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def make_room(root: int) -> None:
    """From now on they can grow again."""
    for pid in java(root):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def left_of(pids: list[int], seconds: float) -> list[int]:
    """Those that still run after so many seconds; returns as soon as none does."""
    until = time.monotonic() + seconds
    while (left := [pid for pid in pids if _runs(pid)]) and time.monotonic() < until:
        time.sleep(0.01)
    return left


def open_files(pid: int) -> int:
    """How many files, sockets and pipes the process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident_bytes(pid: int) -> int:
    """How much memory the process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _processes() -> Iterator[Process]:
    if not Path("/proc/self/stat").exists():
        yield from _processes_by_ps()
        return
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield Process(int(folder.name), int(after_name[1]), command)


def _processes_by_ps() -> Iterator[Process]:
    words = ["ps", "-A", "-o", "pid=,ppid=,command="]
    for line in subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines():
        pid, parent, command = line.split(None, 2)
        yield Process(int(pid), int(parent), command)


def _runs(pid: int) -> bool:
    """Whether it lives; a zombie, whose parent hasn't asked for its end yet, doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
