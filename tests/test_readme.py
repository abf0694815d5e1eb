"""The README says nothing that isn't so: its commands and its code are run here, or by `.ci/run` (make demo, make test)."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.demo.generator import events
from jobs.settings import load_settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.*?)\s*(?:#.*)?$", README, re.MULTILINE)
INLINE = re.findall(r"`((?:make|\.venv/bin/python -m [\w.]+)(?: [^`]*)?)`", README)
JOBS = [command for command in COMMANDS if "-m jobs." in command]


def test_the_commands_are_the_ones_that_tests_and_ci_run() -> None:
    kinds = {command.split(" --")[0] for command in COMMANDS}
    assert kinds == {
        "make demo",  # .ci/run
        "make test",  # .ci/run
        ".venv/bin/python -m jobs.archive",  # below, and tests/jobs
        ".venv/bin/python -m jobs.backfill",  # tests/backfill
        ".venv/bin/python -m jobs.doctor",  # tests/doctor
        ".venv/bin/python -m jobs.latest",  # tests/latest, make rehearse
        ".venv/bin/python -m jobs.report",  # tests/report
        ".venv/bin/python -m jobs.verify",  # tests/verify
        "make package",  # tests/emr
        "make rehearse",  # .ci/run
        ".venv/bin/python -m emr.deploy",  # tests/emr, make rehearse
        ".venv/bin/python -m emr.submit archive",  # likewise
    }


def test_so_are_the_commands_within_sentences() -> None:
    assert set(INLINE) == {
        "make",  # below
        "make demo",  # .ci/run
        "make demo ARGS=--keep",  # tests/demo
        'make test ARGS="tests/rules -k br_004"',  # .ci/run, without arguments
        ".venv/bin/python -m jobs.sync_catalog --conf FILE [--since 2026-03-01]",  # tests/jobs
        "make notebook",  # tests/test_notebook.py
        "make soak",  # tests/faults, in short
        "make bench",  # tests/bench, in short
    }


def test_make_alone_lists_every_target() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    listed = set(re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE))
    named = {command.split()[1] for command in (*COMMANDS, *INLINE) if command.startswith("make ")}
    assert {"setup", "lint", *named} <= listed


@pytest.mark.parametrize("command", JOBS)
def test_each_command_of_a_job_names_a_conf_that_is_right(command: str) -> None:
    words = shlex.split(command)
    overrides = [words[index + 1] for index, word in enumerate(words) if word == "--set"]
    settings = load_settings(ROOT / words[words.index("--conf") + 1], overrides)
    assert settings.source.stream


def test_the_archive_command_explains_itself() -> None:
    words = [sys.executable, "-m", "jobs.archive", "--help"]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert all(option in shown for option in ("--conf", "--set", "--until-caught-up"))


@pytest.mark.shows_records
def test_the_notebook_code_runs(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    output = tmp_path / "demo-output"
    output.mkdir()
    lines = (json.dumps({"data": change.data.decode()}) for change in events(1, 50, bad_share=0.0))
    (output / "published.jsonl").write_text("\n".join(lines), encoding="utf-8")
    # Spark's own working directory is the one that it was started in.
    exec(code.replace("demo-output", str(output)), {})  # noqa: S102 - the README's own code
    assert "INSERT" in capsys.readouterr().out


def test_every_path_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
