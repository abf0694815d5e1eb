"""`make bench ARGS=--streaming` in a short form: every figure is there; no time is asserted."""

import json
from pathlib import Path

import pytest

from bench.streaming.measure import ARCHIVE, LOOP, NOTHING, SOURCE
from tests.bench.running import bench

EVENTS = 200
PUBLISHED = 10

pytestmark = pytest.mark.timeout(600)


def test_source_small_batches_and_latency_are_measured_on_an_emulated_kinesis(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    arguments = (
        "--streaming",
        "--events",
        str(EVENTS),
        "--json",
        str(file),
        "--cache",
        str(tmp_path / "cache"),
    )
    done = bench(*arguments)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert set(figures["source"]["recordsPerSecond"]) == {SOURCE, LOOP}
    assert figures["source"]["toLoop"] > 0
    small = figures["smallBatches"]
    assert small["ratio"] == small["seconds"][ARCHIVE] / small["seconds"][NOTHING]
    (latency,) = figures["latency"]
    assert latency["records"] == PUBLISHED
    assert 0 < latency["p50"] <= latency["p95"]
    assert "records/s, a batch every 1 seconds" in done.stdout
    assert not list((tmp_path / "cache").iterdir())
