"""The search of all logs for personal data knows the generator's, and fails the tests that leak it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from jobs.demo.generator import events
from tests.no_personal_data import MADE_UP, leaked, logged
from tests.oracle.strategies import good_payloads, sample

ROOT = Path(__file__).parent.parent
PII = ("phoneNumber", "email", "messageBody")


def test_all_that_the_generator_makes_up_is_recognized() -> None:
    values = set()
    for change in events(1, 2000, bad_share=0.0):
        section = json.loads(change.data)["dynamodb"]
        for image in (section.get("NewImage", {}), section.get("OldImage", {})):
            values |= {image[name]["S"] for name in PII if "S" in image.get(name, {})}
    # Odd ones hold an empty string or the like, which is no personal data.
    personal = {value for value in values if value.startswith("+") or "@" in value or "tickets" in value}
    assert len(personal) > 1000
    assert len(values - personal) < 20
    assert [value for value in personal if not MADE_UP.search(value)] == []


def test_all_that_hypothesis_draws_is_recognized() -> None:
    personal = set()
    for data in sample(good_payloads, 400, 1):
        section = json.loads(data)["dynamodb"]
        image = section["OldImage" if "NewImage" not in section else "NewImage"]
        personal |= {image[name]["S"] for name in PII if "S" in image.get(name, {})}
    assert len(personal) > 30
    assert [value for value in personal if value and not MADE_UP.search(value)] == []


def test_of_standard_output_the_log_lines_are_searched() -> None:
    page, line = "a fan's phone: +15550101234", '{"event":"batch","x":"f@example.com"}'
    assert leaked(logged("Captured stdout call", f"{page}\n{line}\n")) == line
    assert leaked(logged("Captured stdout call", page)) is None
    assert leaked(logged("Captured stderr call", f"first\n{page}\nlast")) == f"{page}\nlast"


LEAKS = {
    "stderr": "import sys\ndef test_it():\n    sys.stderr.write('+15550101234')\n",
    "log": "import logging\ndef test_it():\n    logging.getLogger('x').warning('f@example.com')\n",
    "stdout": """def test_it():\n    print('{"event":"x","to":"f@example.com"}')\n""",
    "process": "def test_it(tmp_path):\n    (tmp_path / '0.err').write_text('+15550101234')\n",
    "executor": "def test_it(tmp_path):\n    (tmp_path / 'stderr').write_text('+15550101234')\n",
    "fixture": (
        "import pytest, sys\n@pytest.fixture\ndef f():\n    sys.stderr.write('+15550101234')\n"
        "def test_it(f):\n    pass\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("where", LEAKS)
def test_a_test_that_leaks_fails(where: str) -> None:
    # Not among the temporary files of this run, which are searched too.
    with tempfile.TemporaryDirectory() as directory:
        assert run(Path(directory), LEAKS[where]) == 1


def test_a_test_that_does_not_leak_passes(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_it(tmp_path):\n    (tmp_path / '0.err').write_text('+1555')\n") == 0


def run(directory: Path, code: str) -> int:
    """A run of pytest on that code, with the plugin."""
    test = directory / "test_it.py"
    test.write_text(code)
    options = [
        "-p",
        "tests.no_personal_data",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        str(directory / "base"),
        "-c",
        "/dev/null",
    ]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(directory), str(test)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60).returncode
