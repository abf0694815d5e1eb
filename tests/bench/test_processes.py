"""CPU time and memory are those of all processes that this one started."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.processes import PeakMemory, process_tree

KNOWN = Path("/proc/self/stat").exists()
BUSY = "import time\nwhile time.process_time() < 1: pass\n"
# In a process that has no other children: one that ends meanwhile, as Spark's workers do, would count against it.
CPU_OF_A_CHILD = f"""
import subprocess, sys
from bench.processes import cpu_seconds
before = cpu_seconds()
subprocess.run([sys.executable, "-c", {BUSY!r}], check=True, timeout=60)
print(None if before is None else cpu_seconds() - before)
"""
LARGE = "import time\nheld = bytearray(b'x' * 200_000_000)\nprint(flush=True)\ntime.sleep(60)\n"
LARGE_ONE = [sys.executable, "-c", LARGE]


def test_the_cpu_time_of_a_child_counts_also_after_its_end() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", CPU_OF_A_CHILD]
    told = subprocess.run(command, cwd=root, check=True, timeout=60, capture_output=True, text=True).stdout
    assert 0.9 < float(told) < 5 if KNOWN else told == "None\n"


def test_the_tree_has_this_process_and_its_childrens_children_and_no_other() -> None:
    script = f"import subprocess\nsubprocess.run({LARGE_ONE!r})"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        tree = {process.pid: process for process in process_tree(os.getpid())}
        below = process_tree(child.pid)
        for process in below:
            os.kill(process.pid, 9)
        child.kill()
    assert len(below) == (2 if KNOWN else 0)
    assert {process.pid for process in below} <= set(tree)
    assert (os.getpid() in tree) == KNOWN
    assert os.getppid() not in tree
    assert max((process.resident_bytes for process in below), default=200_000_000) >= 200_000_000


def test_the_peak_of_memory_outlives_the_process_that_had_it() -> None:
    with PeakMemory() as memory, subprocess.Popen(LARGE_ONE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        for _ in range(100):
            if memory.peaks.get("Python workers", 0) >= 200_000_000:
                break
            time.sleep(0.1)
        child.kill()
    assert (memory.peaks.get("Python workers", 0) >= 200_000_000) == KNOWN
    assert (memory.peaks.get("driver", 0) > 0) == KNOWN
