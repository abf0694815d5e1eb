"""`make bench ARGS=--growth` in a short form, of one row; no time and no memory is asserted.

Both sizes are measured in one process here, which starts Java once: `--scale-out` shows that each has one of its own.
"""

import json
from pathlib import Path

import pytest

from bench.growth import FACTOR
from bench.rows import JOB
from tests.bench.running import bench

EVENTS = 8
IN_ONE_PROCESS = """
import sys
from bench import apart, growth
from bench.__main__ import main
growth.measure_alone = lambda *given: apart._measure(*given, None)
sys.exit(main(sys.argv[1:]))
"""

pytestmark = pytest.mark.timeout(600)


def test_speed_and_memory_are_measured_at_two_sizes(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    places = ("--json", str(file), "--cache", str(tmp_path / "cache"))
    few = ("--row", JOB, "--events", str(EVENTS), "--rounds", "1")
    done = bench("--growth", *few, *places, program=("-c", IN_ONE_PROCESS))
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert [row["row"] for row in figures["growth"]] == [JOB]
    for row in figures["growth"]:
        small, large = row["sizes"]
        assert (small["events"], large["events"]) == (EVENTS, EVENTS * FACTOR)
        assert row["speedRatio"] == pytest.approx(large["recordsPerSecond"] / small["recordsPerSecond"])
        memory = [sum(size["peakMemoryBytes"].values()) for size in (small, large)]
        if all(memory):
            assert row["memoryRatio"] == pytest.approx(memory[1] / memory[0])
        assert f"{row['row']}: records/s {row['speedRatio']:.2f}" in done.stdout
