"""The search of all logs for personal data knows the generator's, and fails the tests that leak it."""

import base64
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from jobs.demo.generator import events
from tests.no_personal_data import MADE_UP, leaked, main
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


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("value", ["+15550101234", "fan@example.com"])
def test_personal_data_in_base64_are_recognized(value: str, before: int) -> None:
    payload = bytes([255] * before) + f'{{"S":"{value}"}}'.encode()
    line = json.dumps({"events": [base64.b64encode(payload).decode()]})
    assert leaked(f"first\n{line}\nlast") == f"{line}\nlast"


LEAKS = """
import logging, os, pytest, structlog, subprocess, sys
from structlog.testing import capture_logs

def say(words):
    return subprocess.run(["sh", "-c", words], capture_output=True, check=True)

@pytest.fixture
def leaking():
    sys.stderr.write("+15550101234")

@pytest.fixture(scope="session")
def leaking_at_the_end():
    yield
    say("echo +15550101234 >&2")

def test_stderr():
    sys.stderr.write("+15550101234")

def test_log():
    logging.getLogger("x").warning("f@example.com")

def test_stdout():
    print("a fan's phone: +15550101234")

def test_fixture(leaking):
    pass

def test_capsys(capsys):
    sys.stderr.write("+15550101234")
    assert capsys.readouterr().err

def test_capfdbinary(capfdbinary):
    os.write(2, b"+15550101234")
    assert capfdbinary.readouterr().err

def test_structlog():
    with capture_logs() as lines:
        structlog.get_logger().info("x", to="f@example.com")
    assert lines

def test_stderr_of_a_process():
    assert say("echo +15550101234 >&2").stderr

def test_stdout_of_a_process():
    assert say("echo +15550101234").stdout

@pytest.mark.shows_records
def test_stderr_beside_records():
    sys.stderr.write("+15550101234")

@pytest.mark.shows_records
def test_nothing_records(capsys):
    print("a fan's phone: +15550101234")
    assert capsys.readouterr().out + say("echo +15550101234").stdout.decode()

def test_nothing_personal(capsys):
    sys.stderr.write("+1555")
    assert capsys.readouterr().err + say("echo a fan").stdout.decode()

def test_end(leaking_at_the_end):
    pass
"""
FILES = {"process": "0.err", "executor": "stderr"}


def test_tests_that_leak_fail_and_others_pass() -> None:
    tests = [line[9:].partition("(")[0] for line in LEAKS.splitlines() if line.startswith("def test_")]
    assert failed(LEAKS) == {test for test in tests if not test.startswith("nothing")}


@pytest.mark.parametrize("name", FILES.values(), ids=FILES)
def test_a_file_that_leaks_fails_the_run(name: str) -> None:
    assert failed(f"def test_it(tmp_path):\n    (tmp_path / '{name}').write_text('+15550101234')\n") == {"it"}


def test_a_file_that_does_not_leak_passes() -> None:
    assert failed("def test_it(tmp_path):\n    (tmp_path / '0.err').write_text('+1555')\n") == set()


@pytest.mark.parametrize(
    ("place", "not_searched"), [("tmp_path / '0.out'", set()), ("tmp_path / 'elsewhere'", {"it"})]
)
def test_a_file_that_is_to_be_searched_is(place: str, not_searched: set[str]) -> None:
    code = f"    will_be_searched({place})\n    ({place}).write_text('+1555')\n"
    register = "from tests.no_personal_data import will_be_searched\n"
    assert failed(f"{register}def test_it(tmp_path):\n{code}") == not_searched


@pytest.mark.shows_records
@pytest.mark.parametrize(
    ("logs", "told"),
    [
        ({"job.log": "+1555", "0/stderr": ""}, "no personal data in the logs in "),
        ({"job.log": "", "0/stderr": "first\n+15550101234"}, "personal data in {}/0/stderr: +15550101234\n"),
        ({"job.err": "Your tickets go on sale"}, "personal data in {}/job.err: Your tickets go on sale\n"),
        ({"published.jsonl": "+15550101234"}, "no log in {}: nothing was searched\n"),
    ],
)
def test_the_logs_in_a_folder_are_searched(
    logs: dict[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "0").mkdir()
        for name, text in logs.items():
            Path(directory, name).write_text(text)
        assert main([directory]) == (0 if "no personal" in told else 1)
        assert capsys.readouterr().out.startswith(told.format(directory))


def failed(code: str) -> set[str]:
    """The tests in that code that fail in a run of pytest with the plugin."""
    # Not among this run's temporary files and not on its output: both are searched.
    with tempfile.TemporaryDirectory() as directory:
        test, said = Path(directory, "test_it.py"), Path(directory, "said")
        test.write_text(code)
        plugins = ["-p", "tests.no_personal_data", "-p", "no:cacheprovider", "-c", "/dev/null"]
        places = ["--basetemp", f"{directory}/base", "--rootdir", directory, str(test)]
        with said.open("wb") as out:
            command = [sys.executable, "-m", "pytest", "-rfE", *plugins, *places]
            status = subprocess.run(command, cwd=ROOT, stdout=out, check=False, timeout=60).returncode
        names = set(re.findall(r"^(?:FAILED|ERROR) \S+::test_(\w+)", said.read_text(), re.MULTILINE))
    assert status == (1 if names else 0)
    return names
