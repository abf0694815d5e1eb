"""`make bench ARGS=--growth` in a short form, of one row: each size is measured apart; no time and no memory is asserted."""

import json
from pathlib import Path

import pytest

from bench.growth import FACTOR
from bench.rows import JOB
from tests.bench.running import bench

EVENTS = 8

pytestmark = pytest.mark.timeout(600)


def test_speed_and_memory_are_measured_at_two_sizes(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    places = ("--json", str(file), "--cache", str(tmp_path / "cache"))
    done = bench("--growth", "--row", JOB, "--events", str(EVENTS), "--rounds", "1", *places)
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
