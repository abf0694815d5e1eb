"""`make bench` in a short form: what it prints, what it writes, what it leaves behind."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.options import parsed
from bench.peers.workers import COMMANDS
from bench.rows import COPY, FLOOR, JOB, PATHS
from tests.bench.running import bench

EVENTS = 2_000
PEERS = list(COMMANDS)
ROWS = [
    "raw copy of the bytes",
    "read",
    "parse only",
    "transform",
    "transform and write",
    "backfill of an export",
    *PEERS,
]
# Most of it is Java warming up, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(600)


class Run(NamedTuple):
    out: str
    progress: str
    figures: dict[str, Any]
    cache: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    cache = tmp_path_factory.mktemp("cache")
    file = cache.parent / "figures.json"
    places = ("--json", str(file), "--cache", str(cache))
    done = bench("--peers", "--events", str(EVENTS), "--rounds", "1", "--seed", "3", *places)
    assert done.returncode == 0, done.stderr
    return Run(done.stdout, done.stderr, json.loads(file.read_text()), cache)


def test_the_rows_are_measured_in_a_cold_round_and_as_many_warm_ones_as_asked_for(run: Run) -> None:
    assert list(run.figures["rows"]) == ROWS
    for name, row in run.figures["rows"].items():
        assert len(row["rounds"]) == 1
        for one in (row["cold"], *row["rounds"]):
            assert one["recordsPerSecond"] == pytest.approx(EVENTS / one["seconds"])
            # A warm copy takes about the hundredth of a second in which the system counts: it may count none.
            uncounted = name == COPY and one is not row["cold"]
            assert one["cpuSeconds"] is None or one["cpuSeconds"] > 0 or uncounted


def test_the_figures_are_drawn(run: Run) -> None:
    drawn = (run.cache.parent / "figures.svg").read_text()
    assert drawn.startswith("<svg")
    assert all(name in drawn for name in ROWS)


def test_the_ratios_are_to_the_floor(run: Run) -> None:
    rows = run.figures["rows"]
    floor = rows[FLOOR]["rounds"][0]["seconds"]
    assert {name: rows[name]["toFloor"]["speed"] for name in PATHS} == {
        name: pytest.approx(floor / rows[name]["rounds"][0]["seconds"]) for name in PATHS
    }


def test_the_table_says_what_the_json_says(run: Run) -> None:
    lines = run.out.splitlines()
    head = next(index for index, line in enumerate(lines) if line.split()[:3] == ["records/s", "cold", "min"])
    printed = lines[head + 1 : head + 1 + len(ROWS)]
    for line, (name, row) in zip(printed, run.figures["rows"].items(), strict=True):
        assert line.strip().startswith(name)
        figures = line.strip().removeprefix(name).split()
        speeds = [row["cold"]["recordsPerSecond"], *row["recordsPerSecond"].values()]
        assert figures[:4] == [f"{speed:,.0f}" for speed in speeds]
        assert (figures[4] == f"{row['toFloor']['speed']:.2f}") == (name in PATHS)
    # Aligned: the rows with ratios to the floor all end in one column.
    paths = [line for line in printed if line.strip().startswith(PATHS)]
    assert len({len(line) for line in (lines[head], *paths)}) == 1


def test_the_job_is_compared_with_the_peers(run: Run) -> None:
    assert list(run.figures["peers"]) == PEERS
    job = run.figures["rows"][JOB]["rounds"][0]["recordsPerSecond"]
    for name, peer in run.figures["peers"].items():
        ratio = job / run.figures["rows"][name]["rounds"][0]["recordsPerSecond"]
        assert peer["job"]["speed"] == pytest.approx(ratio)
        assert f"{JOB}, to {name}: {ratio:.2f}, by CPU" in run.out
        assert f"({peer['versions']})" in run.out


def test_the_corpus_and_the_machine_are_named(run: Run) -> None:
    corpus, machine = run.figures["corpus"], run.figures["machine"]
    assert (corpus["seed"], corpus["events"]) == (3, EVENTS)
    assert 0 < corpus["bad"] < EVENTS * 0.02
    assert 900 < corpus["bytes"] / EVENTS < 1300
    assert f"{EVENTS:,} change events of" in run.out
    assert f"{corpus['bad']:,} of them bad (seed 3); 1 warm round" in run.out
    assert f"Java {machine['java']}, Spark {machine['spark']}, Python {machine['python']}, load" in run.out
    assert f"{machine['coresUsed']} of {machine['cores']} cores" in run.out
    assert machine["coresUsed"] in (1, 2)


def test_the_memory_of_all_processes_is_told(run: Run) -> None:
    known = {"JVM", "Python workers", "driver", *PEERS} if Path("/proc/self/stat").exists() else set()
    peaks = run.figures["peakMemoryBytes"]
    assert set(peaks) == known
    assert all(size > 10_000_000 for size in peaks.values())
    assert all(f"{kind} {size / 1e9:.2f} GB" in run.out for kind, size in peaks.items())


def test_there_is_progress_while_it_works(run: Run) -> None:
    assert f"{EVENTS:,} of {EVENTS:,} change events" in run.progress
    passes = [f"{moment}: {row}: " for moment in ("cold round", "round 1 of 1") for row in ROWS]
    assert all(run.progress.count(one) == 1 for one in passes)


def test_nothing_but_the_corpus_stays(run: Run) -> None:
    (corpus,) = run.cache.iterdir()
    assert corpus.name.startswith(f"corpus-3-{EVENTS}-")


@pytest.mark.parametrize("wrong", [("--events", "0"), ("--rounds", "-1"), ("--events", "many")])
def test_a_number_that_makes_no_sense_is_refused(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        parsed(wrong)
    assert f"argument {wrong[0]}: must be a whole number from 1, not {wrong[1]}" in capsys.readouterr().err


def test_a_place_for_the_figures_that_is_not_there_is_told_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    done = bench("--json", str(tmp_path / "missing" / "figures.json"), "--cache", str(tmp_path / "cache"))
    assert done.returncode == 2
    assert f"argument --json: there is no directory {tmp_path}/missing" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_can_not_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = bench("--cache", str(tmp_path / "file"), "--events", "10")
    assert done.returncode == 1
    assert done.stderr.startswith("bench: ")
    assert done.stderr.count("\n") == 1
