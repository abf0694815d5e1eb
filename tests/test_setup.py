"""The set-up does each thing once, from its pins; the locks name no registry; imports go one way."""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path = ROOT, text: str | None = None) -> subprocess.CompletedProcess[str]:
    # MAKE*: these tests may themselves run under make.
    env = {
        name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"
    }
    return subprocess.run(
        command, cwd=cwd, env=env, input=text, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The set-up's code, with an environment directory of its own."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / ".ci" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path)
    return module


class Step:
    """A set-up step that counts its runs and makes one file."""

    def __init__(self, bootstrap: ModuleType, directory: Path) -> None:
        self.bootstrap, self.source, self.result = bootstrap, directory / "pins", directory / "result"
        self.source.write_text("a==1")
        self.fails = False
        self.runs = 0

    def __call__(self) -> int:
        """Run the step and return how often its action has run by now."""
        self.bootstrap.step("one", [self.source], [self.result], self.action)
        return self.runs

    def action(self) -> str:
        self.runs += 1
        if self.fails:
            raise self.bootstrap.SetupError("no network")
        self.result.touch()
        return "done"


@pytest.fixture
def step(bootstrap: ModuleType, tmp_path: Path) -> Step:
    return Step(bootstrap, tmp_path)


def test_a_step_runs_once(step: Step) -> None:
    assert [step(), step()] == [1, 1]


def test_a_step_runs_again_when_its_pins_change_and_not_when_only_their_time_does(step: Step) -> None:
    step()
    os.utime(step.source, (1, 1))
    assert step() == 1
    step.source.write_text("a==2")
    assert [step(), step()] == [2, 2]


def test_a_step_runs_again_when_its_result_was_removed(step: Step) -> None:
    step()
    step.result.unlink()
    assert step() == 2


def test_a_step_that_failed_runs_again_also_where_an_older_run_had_succeeded(step: Step) -> None:
    step()
    step.source.write_text("a==2")
    step.fails = True
    with pytest.raises(step.bootstrap.SetupError):
        step()
    step.source.write_text("a==1")
    step.fails = False
    assert step() == 3


def test_a_command_that_fails_says_so_in_one_line(
    bootstrap: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(bootstrap.SetupError, match=r"^`sh -c …` failed; its last lines are above$"):
        bootstrap.run(["sh", "-c", "echo the reason; exit 3"], tries=1)
    assert capfd.readouterr().err == "the reason\n"


def test_a_second_set_up_does_nothing_and_takes_no_time() -> None:
    assert run("make", "setup").returncode == 0
    started = time.monotonic()
    done = run("make", "setup")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("setup: ready, on Java ")
    assert done.stdout.count("\n") == 1
    assert time.monotonic() - started < 10


def test_make_alone_lists_every_target_a_person_would_want() -> None:
    listed = {line.split()[1] for line in run("make").stdout.splitlines()}
    assert listed >= {"setup", "demo", "test", "bench", "lint", "format", "lock", "clean", "distclean"}


def test_the_locks_name_no_registry_and_pin_everything_by_hash() -> None:
    done = run(".ci/check_locks")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("requirements.lock", "--index-url https://registry.example.com/simple"),
        ("requirements.lock", "boto3>=1.40"),
        ("tests/kinesis_mock/package-lock.json", '"resolved": "somewhere",'),
        ("tests/chromium/package-lock.json", '"resolved": "somewhere",'),
        ("bench/peers/node/package-lock.json", '"resolved": "somewhere",'),
    ],
)
def test_a_lock_that_names_a_registry_or_pins_nothing_is_refused(
    tmp_path: Path, name: str, line: str
) -> None:
    folders = ("tests/kinesis_mock", "tests/chromium", "bench/peers/node")
    locks = [f"{folder}/package-lock.json" for folder in folders]
    for part in (".ci/check_locks", "requirements.lock", *locks):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, tmp_path / part)
    shutil.copytree(ROOT / "conf" / "jars", tmp_path / "conf" / "jars")
    with (tmp_path / name).open("a") as lock:
        lock.write(f"{line}\n")
    done = run(tmp_path / ".ci" / "check_locks", cwd=tmp_path)
    assert done.returncode == 1
    assert line in done.stdout


@pytest.mark.parametrize(
    ("package", "statement"),
    [
        ("schemas", "import transforms"),
        ("schemas", "from jobs.errors import PipelineError"),
        ("transforms", "import jobs.session"),
        ("transforms", "import boto3"),
        ("transforms", "from emr import entry"),
        ("transforms", "from pyspark.sql import functions as F\n\nNOW = F.current_timestamp()"),
        ("transforms", "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)"),
        ("jobs", "import emr"),
        ("jobs", "import tests.oracle"),
    ],
)
def test_an_import_against_the_direction_is_refused(package: str, statement: str) -> None:
    code = f'"""A module."""\n\n{statement}\n'
    ruff = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251",
        "--stdin-filename",
        f"{package}/x.py",
        "-",
    ]
    done = run(*ruff, text=code)
    assert done.returncode == 1
    assert "TID251" in done.stdout


def test_the_wheel_holds_the_packages_and_their_data(tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"schemas/demand.avsc", "transforms/__init__.py", "jobs/log4j2.properties"} <= set(names)
    assert not [
        name for name in names if name.startswith(("tests/", "conf/", "bench/", ".")) or "ruff" in name
    ]
