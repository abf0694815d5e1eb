"""`python -m jobs.demo` from its arguments to its exit code, with the oracle in the job's place."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.demo import run_job
from jobs.demo.__main__ import main
from tests.demo.listening import ends

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def job_is(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(
        run_job, "command", lambda conf: [sys.executable, arguments[0], str(conf), *arguments[1:]]
    )


STAND_IN = str(ROOT / "tests" / "demo" / "stand_in_job.py")


@pytest.mark.shows_records
def test_a_sound_archive_is_summed_up_and_left_to_look_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job_is(monkeypatch, STAND_IN)
    assert main(["--events", "1500", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert "Every change event is accounted for: 1,500 published = " in out
    assert re.search(r"\n    batch 0: 1,\d\d\d archived, \d+ failed, 7 objects\n", out)
    left = Path("demo-output")
    assert left.joinpath("summary.txt").read_text() in out
    assert json.loads(left.joinpath("job.log").read_text())["event"] == "batch"
    assert len(left.joinpath("published.jsonl").read_text().split("\n")) == 1501
    assert {path.name for path in left.joinpath("archive").iterdir()} == {"data", "errors", "deliveries"}


@pytest.mark.shows_records
def test_an_archive_that_lacks_a_record_fails_the_demo_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job_is(monkeypatch, STAND_IN, "leave-out")
    assert main(["--events", "600"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("demo: FAILED: published 600 change events, but archived ")


def test_a_job_that_fails_fails_the_demo_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        run_job, "command", lambda _: [sys.executable, "-c", "import sys; sys.exit('archive: no Java')"]
    )
    assert main(["--events", "5"]) == 1
    assert capsys.readouterr().err == (
        "demo: the archive job failed with exit code 1: archive: no Java (all of it in demo-output/job.err)\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_process_behind(number: signal.Signals) -> None:
    waiting = "from jobs.demo import run_job; import sys; from jobs.demo.__main__ import main; "
    waiting += "run_job.command = lambda _: [sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(60)']; sys.exit(main(['--events', '5']))"
    demo = subprocess.Popen(
        [sys.executable, "-c", waiting], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert demo.stdout is not None
    url = demo.stdout.readline().split()[-1]
    for _ in range(300):
        if Path("demo-output/job.log").is_file() and Path("demo-output/job.log").read_text():
            break
        time.sleep(0.1)
    demo.send_signal(number)
    _, complaint = demo.communicate(timeout=60)
    assert (demo.returncode, complaint) == (130, "demo: interrupted\n")
    assert ends(url)


def test_a_demo_that_is_kept_says_how_another_shell_gets_at_it_until_it_is_interrupted() -> None:
    kept = "from jobs.demo import run_job; import sys; from jobs.demo.__main__ import main; "
    kept += f"run_job.command = lambda conf: [sys.executable, {STAND_IN!r}, str(conf)]; sys.exit(main(['--events', '50', '--keep']))"
    demo = subprocess.Popen([sys.executable, "-c", kept], stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    told = [demo.stdout.readline()]
    while "AWS_ENDPOINT_URL=" not in told[-1]:
        assert told[-1], "the demo ended"
        told.append(demo.stdout.readline())
    exports = [line for line in told if line.startswith("  export ")]
    ask = "import boto3; print(boto3.client('s3').list_objects_v2(Bucket='demo-archive', Prefix='dmd/data/')['KeyCount'])"
    shell = ["sh", "-c", f'{"".join(exports)}exec "$0" "$@"', sys.executable, "-c", ask]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    said = subprocess.run(shell, env=clean, capture_output=True, text=True, check=True, timeout=60).stdout
    assert int(said) > 0
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    assert ends(told[0].split()[-1])


@pytest.mark.parametrize("arguments", [["--events", "0"], ["--events", "x"], ["--seed", "x"], ["more"]])
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "python -m jobs.demo: error: " in capsys.readouterr().err


def test_somebody_elses_demo_output_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("demo-output").mkdir()
    Path("demo-output/thesis.txt").write_text("x")
    assert main([]) == 1
    assert (
        capsys.readouterr().err
        == "demo: demo-output is not empty and not from an earlier run: move it away\n"
    )
