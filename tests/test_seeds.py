"""All processes of a test run draw from the same fresh seeds, and the run says which."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seeds import NAMES

ROOT = Path(__file__).parent.parent
CODE = """
import os, pathlib
def test_it():
    seeds = " ".join(f"{name}={os.environ[name]}" for name in ("ORACLE_SEED", "FUZZ_SEED"))
    pathlib.Path(__file__).with_suffix(".seeds").write_text(seeds)
"""


@pytest.fixture
def run(tmp_path: Path) -> "Run":
    for number in range(2):
        (tmp_path / f"test_{number}.py").write_text(CODE)
    return Run(tmp_path)


class Run:
    """Two files of tests that write down the seeds they see."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, *options: str, **given: str) -> tuple[str, set[str]]:
        """What the run says its seeds are, and what its tests saw."""
        quiet = [
            "-p",
            "tests.seeds",
            "-p",
            "no:cacheprovider",
            "-c",
            "/dev/null",
            "--rootdir",
            str(self.directory),
        ]
        command = [sys.executable, "-m", "pytest", *quiet, *options, str(self.directory)]
        environment = {name: value for name, value in os.environ.items() if name not in NAMES} | given
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        (said,) = re.findall(r"^fresh seeds: (.*) \(set them", done.stdout, re.MULTILINE)
        return said, {path.read_text() for path in self.directory.glob("*.seeds")}


PROCESSES = [(), ("--numprocesses", "2", "--dist", "loadfile")]


@pytest.mark.parametrize("options", PROCESSES, ids=["one process", "two processes"])
def test_all_processes_have_the_seeds_that_the_run_says(run: Run, options: tuple[str, ...]) -> None:
    said, seen = run(*options)
    assert seen == {said}
    assert run(*options)[0] != said


@pytest.mark.parametrize("options", PROCESSES, ids=["one process", "two processes"])
def test_seeds_that_a_person_gives_are_taken(run: Run, options: tuple[str, ...]) -> None:
    said, seen = run(*options, ORACLE_SEED="7", FUZZ_SEED="8")
    assert {said} == seen == {"ORACLE_SEED=7 FUZZ_SEED=8"}
