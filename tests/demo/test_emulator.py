"""The emulated AWS: alone in its world, and gone when it is no longer wanted."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jobs.demo.emulator import Emulator, EmulatorError, clean_environment
from tests.demo.listening import ends, listens


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def test_it_serves_kinesis_s3_and_glue_on_loopback(aws: Emulator) -> None:
    assert aws.url.startswith("http://127.0.0.1:")
    assert aws.client("kinesis").list_streams()["StreamNames"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("glue").get_databases()["DatabaseList"] == []


def test_two_at_a_time_know_nothing_of_each_other(aws: Emulator) -> None:
    with Emulator() as other:
        assert other.url != aws.url
        other.client("kinesis").create_stream(StreamName="theirs", ShardCount=1)
        assert aws.client("kinesis").list_streams()["StreamNames"] == []


def test_it_ends_with_the_block_also_after_an_error() -> None:
    aws = Emulator()
    with pytest.raises(KeyboardInterrupt), aws:
        raise KeyboardInterrupt
    assert aws.url
    assert not listens(aws.url)


def test_it_ends_when_the_process_that_started_it_is_killed() -> None:
    script = "from jobs.demo.emulator import Emulator; aws = Emulator().__enter__(); print(aws.url, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert listens(url)
        parent.send_signal(signal.SIGKILL)
    assert ends(url)


def test_a_start_that_takes_too_long_is_given_up_in_one_line() -> None:
    with pytest.raises(EmulatorError, match=r"the emulated AWS did not start: no answer within 0\.001 s"):
        Emulator(start_seconds=0.001).__enter__()


def test_children_get_made_up_credentials_and_the_emulated_endpoint(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = {
        "AWS_PROFILE": "prod",
        "AWS_SESSION_TOKEN": "t",
        "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
        "AWS_ACCESS_KEY_ID": "k",
    }
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "corp.example.com")
    environment = aws.environment()
    assert environment["AWS_ENDPOINT_URL"] == aws.url
    assert environment["AWS_ACCESS_KEY_ID"] == "testing"
    assert not set(environment) & {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"}
    assert environment["NO_PROXY"] == "corp.example.com,127.0.0.1,localhost"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "k"


def test_a_child_without_the_emulator_finds_no_credentials_either() -> None:
    script = "import boto3; print(boto3.Session(region_name='eu-west-1').get_credentials())"
    environment = clean_environment() | {"HOME": "/nonexistent"}
    found = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert found.stdout.strip() == "None"
