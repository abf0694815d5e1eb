"""The submit flow against an emulated EMR Serverless, S3 and CloudFormation (moto, in this process)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import moto.emrserverless.models as emulated
import pytest

from emr import runs, submit
from emr.aws import client
from emr.settings import load
from emr.stack import expected_stack
from tests.emr.conftest import BUCKET, seal, write_conf
from tests.emr.service_model import problems

ACCOUNT = "123456789012"  # moto's


@pytest.fixture
def applications(place: Path) -> dict[str, str]:
    """The stack of conf/prod.toml, as far as the flow needs it; its applications' ids."""
    serverless = boto3.client("emr-serverless")
    made = {
        output: serverless.create_application(name=output, releaseLabel="emr-7.9.0", type="SPARK")[
            "applicationId"
        ]
        for output in ("StreamApplicationId", "BatchApplicationId")
    }
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    outputs = {**expected_stack(*load(place / "conf" / "prod.toml"), account=ACCOUNT).outputs, **made}
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName="dmd-prod", TemplateBody=json.dumps(template))
    return made


@pytest.fixture
def submitted(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs emr.submit; its exit code and what it said."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = submit.main([arguments[0], "--env", "prod", *arguments[1:]])
        return code, *capsys.readouterr()

    return run


Submitted = Callable[..., tuple[int, str, str]]


def run_of(application: str, number: int = -1) -> dict[str, Any]:
    serverless = boto3.client("emr-serverless")
    listed = serverless.list_job_runs(applicationId=application)["jobRuns"]
    run: dict[str, Any] = serverless.get_job_run(applicationId=application, jobRunId=listed[number]["id"])[
        "jobRun"
    ]
    return run


def test_a_dry_run_prints_the_request_and_nothing_else_and_starts_nothing(
    applications: dict[str, str], submitted: Submitted
) -> None:
    code, out, err = submitted("archive", "--dry-run")
    assert (code, err) == (0, "")
    request = json.loads(out)
    assert request["applicationId"] == applications["StreamApplicationId"]
    assert problems("emr-serverless", "StartJobRun", request) == []
    assert boto3.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_a_request_can_be_seen_without_an_account(place: Path, submitted: Submitted) -> None:
    code, out, err = submitted("latest", "--offline", "--", "--rebuild")
    assert (code, err) == (0, "")
    request = json.loads(out)
    assert problems("emr-serverless", "StartJobRun", request) == []
    assert request["jobDriver"]["sparkSubmit"]["entryPointArguments"][2:] == ["--rebuild"]


def test_the_stream_is_started_from_files_that_are_on_s3_under_their_hash(
    applications: dict[str, str], place: Path, submitted: Submitted
) -> None:
    code, out, err = submitted("archive", "--wait")
    assert code == 0, err
    said = json.loads(out)
    run = run_of(applications["StreamApplicationId"])
    folder = f"artifacts/{said['release']}"
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=folder)["Contents"]
    assert {each["Key"] for each in listed} == {
        f"{folder}/{path.name}" for path in (place / "dist").iterdir()
    }
    assert (said["jobRunId"], run["name"]) == (run["jobRunId"], "archive")
    assert run["jobDriver"]["sparkSubmit"]["entryPoint"] == f"s3://{BUCKET}/{folder}/archive.py"


def test_a_second_live_stream_is_refused(applications: dict[str, str], submitted: Submitted) -> None:
    submitted("archive")
    code, out, err = submitted("archive")
    assert (code, out) == (1, "")
    assert "the archive runs already" in err
    assert "--redeploy" in err
    assert (
        len(
            boto3.client("emr-serverless").list_job_runs(applicationId=applications["StreamApplicationId"])[
                "jobRuns"
            ]
        )
        == 1
    )


def test_a_redeployed_stream_begins_after_the_live_one_ended(
    applications: dict[str, str], place: Path, submitted: Submitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted("archive")
    calls = recorded(monkeypatch)
    (place / "dist" / "dependencies-arm64.tar.gz").write_bytes(b"another")
    seal(place / "dist", version="2")
    code, out, err = submitted("archive", "--redeploy")
    assert code == 0, err
    old, new = (run_of(applications["StreamApplicationId"], number) for number in (0, 1))
    assert (old["state"], new["state"]) == ("CANCELLED", "RUNNING")
    cancelled = next(each for operation, each in calls if operation == "CancelJobRun")
    assert 15 <= cancelled["shutdownGracePeriodInSeconds"] <= 1800
    order = [operation for operation, _ in calls if operation in ("CancelJobRun", "GetJobRun", "StartJobRun")]
    assert order == ["CancelJobRun", "GetJobRun", "StartJobRun"]
    assert problems("emr-serverless", "CancelJobRun", cancelled) == []
    assert json.loads(out)["release"] in new["jobDriver"]["sparkSubmit"]["entryPoint"]


def test_a_run_that_ends_only_after_a_while_is_waited_for(
    applications: dict[str, str], submitted: Submitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted("archive")
    ending = iter(["CANCELLING", "CANCELLING", "CANCELLED"])
    get = emulated.EMRServerlessBackend.get_job_run

    def slowly(self: Any, application_id: str, job_run_id: str) -> Any:
        run = get(self, application_id, job_run_id)
        run.state = next(ending)
        return run

    monkeypatch.setattr(emulated.EMRServerlessBackend, "get_job_run", slowly)
    code, _, err = submitted("archive", "--redeploy")
    assert code == 0, err
    assert next(ending, None) is None


def test_a_stream_that_doesnt_end_is_not_joined_by_another(
    applications: dict[str, str], submitted: Submitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted("archive")
    monkeypatch.setattr(emulated.EMRServerlessBackend, "cancel_job_run", lambda *_, **__: ("", ""))
    monkeypatch.setattr(runs, "_CANCEL_SECONDS", 0.0)
    code, _, err = submitted("archive", "--redeploy")
    assert code == 1
    assert "is still RUNNING" in err
    assert run_of(applications["StreamApplicationId"])["state"] == "RUNNING"


def test_stop_ends_the_stream_and_starts_none(applications: dict[str, str], submitted: Submitted) -> None:
    submitted("archive")
    code, _, err = submitted("archive", "--stop")
    assert code == 0, err
    assert run_of(applications["StreamApplicationId"])["state"] == "CANCELLED"


@pytest.mark.parametrize(("ends", "expected"), [("SUCCESS", 0), ("FAILED", 1)])
def test_wait_tells_how_a_batch_run_ended(
    ends: str,
    expected: int,
    applications: dict[str, str],
    submitted: Submitted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(emulated, "JOB_STATUS", ends)
    code, _, err = submitted("verify", "--wait")
    assert code == expected
    assert ("its log says why" in err) == bool(expected)


def test_an_earlier_release_is_started_from_what_is_on_s3(
    applications: dict[str, str], place: Path, submitted: Submitted
) -> None:
    earlier = json.loads(submitted("verify")[1])["release"]
    for path in (place / "dist").iterdir():
        path.unlink()
    code, _, err = submitted("backfill", "--release", earlier, "--", "--from", "kinesis", "--since", "-14h")
    assert code == 0, err
    arguments = run_of(applications["BatchApplicationId"])["jobDriver"]["sparkSubmit"]["entryPointArguments"]
    assert arguments == [
        "--conf",
        f"s3://{BUCKET}/artifacts/{earlier}/prod.toml",
        "--from",
        "kinesis",
        "--since",
        "-14h",
    ]


def test_a_release_that_is_nowhere_is_told(applications: dict[str, str], submitted: Submitted) -> None:
    code, _, err = submitted("verify", "--release", "0123456789abcdef")
    assert code == 1
    assert f"there is no release 0123456789abcdef in s3://{BUCKET}/artifacts" in err


def test_a_release_of_other_code_than_this_is_refused(
    applications: dict[str, str], place: Path, submitted: Submitted
) -> None:
    (place / "dist" / "packages.zip").write_bytes(b"older")
    seal(place / "dist")
    code, _, err = submitted("archive")
    assert code == 1
    assert "was made before packages.zip changed: run `make package`" in err


def test_without_a_stack_it_says_what_makes_one(place: Path, submitted: Submitted) -> None:
    code, _, err = submitted("archive")
    assert code == 1
    assert "there is no stack dmd-prod: make it by `emr.deploy`" in err


def test_a_stack_of_another_conf_is_refused(
    applications: dict[str, str], place: Path, submitted: Submitted
) -> None:
    conf = (place / "conf" / "prod.toml").read_text().replace('/dmd"', '/other"')
    write_conf(place, "prod.toml", conf)
    code, _, err = submitted("archive")
    assert code == 1
    assert f"ArchiveUri is s3://{BUCKET}/dmd, conf says s3://{BUCKET}/other" in err


def test_a_mode_that_isnt_deployed_yet_is_told(
    applications: dict[str, str], place: Path, submitted: Submitted
) -> None:
    conf = (place / "conf" / "prod.toml").read_text() + 'Mode = "scheduled"\n'
    write_conf(place, "prod.toml", conf)
    code, _, err = submitted("archive")
    assert code == 1
    assert "Mode is stream, conf says scheduled" in err
    assert submitted("archive", "--stop")[0] == 0


def test_a_conf_that_isnt_there_is_told_with_exit_code_2(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(["archive", "--env", "nowhere"]) == 2
    assert "conf/nowhere.toml: can't be read" in capsys.readouterr().err


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The calls from now on, as botocore is asked to make them."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def watched(service: str, *arguments: Any) -> Any:
        made = client(service, *arguments)
        made.meta.events.register(
            "provide-client-params.*.*", lambda params, model, **_: calls.append((model.name, params))
        )
        return made

    monkeypatch.setattr(submit, "client", watched)
    return calls
