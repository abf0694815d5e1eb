"""`make bench ARGS=--scale-out` in a short form: the path runs on clusters and writes all; no time is asserted."""

import json
from pathlib import Path

import pytest

from bench.scale_out import EXECUTORS
from tests.bench.running import bench
from tests.no_personal_data import will_be_searched

EVENTS = 100

pytestmark = pytest.mark.timeout(600)


def test_the_path_is_measured_on_clusters_of_one_and_two_executors(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    places = ("--json", str(file), "--cache", str(tmp_path / "cache"))
    done = bench("--scale-out", "--events", str(EVENTS), "--rounds", "1", *places)
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text())["scaleOut"]
    assert [row["executors"] for row in rows] == list(EXECUTORS)
    one, two = (row["recordsPerSecond"][0] for row in rows)
    assert rows[1]["toOne"] == pytest.approx(two / one)
    assert f"{two / one:.2f}" in done.stdout
    assert {each.name.split("-")[0] for each in (tmp_path / "cache").iterdir()} == {"corpus", "clusters"}
    # Where the executors' logs are searched for personal data at the end of the tests.
    logs = list((tmp_path / "cache" / "clusters").rglob("stderr"))
    assert len(logs) == sum(EXECUTORS)
    will_be_searched(*logs)
