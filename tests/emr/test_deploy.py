"""What emr.deploy asks CloudFormation for: the stack of the conf, with the release for its scheduled runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.cloudformation.models import cloudformation_backends

from emr import deploy, submit
from emr.aws import client
from emr.job_run import JOBS, start_job_run
from emr.release import packaged
from emr.settings import load
from emr.stack import Stack as Outputs
from emr.template import render, template
from tests.emr.conftest import BUCKET, REGION, write_conf
from tests.emr.service_model import problems
from tests.emr.stack import ACCOUNT, Stack
from tests.emr.test_scheduled_runs import as_the_api_names_it

SCHEDULED = {
    "archive": [],
    "backfill": [
        "--from",
        "kinesis",
        "--since",
        "-26h",
        "--until",
        "-2h",
        "--as-of",
        "<aws.scheduler.scheduled-time>",
    ],
    "latest": [],
    "verify": [],
}


def parameters(place: Path, env: str = "prod") -> dict[str, str]:
    conf = place / "conf" / f"{env}.toml"
    settings, emr = load(conf)
    return {
        **deploy.stack_parameters(settings, emr),
        **deploy.release_parameters(packaged(place / "dist"), conf, settings, emr),
    }


@pytest.mark.parametrize("env", ["prod", "dev"])
def test_every_parameter_is_one_of_the_template_and_none_is_missing(place: Path, env: str) -> None:
    known, given = template()["Parameters"], parameters(place, env)
    assert given.keys() <= known.keys()
    assert {name for name, each in known.items() if "Default" not in each} <= given.keys()


@pytest.mark.parametrize("job", JOBS)
def test_a_schedule_starts_what_submit_would_start(job: str, place: Path) -> None:
    given = parameters(place, "dev")
    stack = Stack(given)
    scheduled = stack.of_type("AWS::Scheduler::Schedule")[f"{job.capitalize()}SchedulerEntry"]
    request = as_the_api_names_it(json.loads(scheduled["Target"]["Input"]))
    assert request.pop("clientToken") == "<aws.scheduler.execution-id>"
    settings, emr = load(place / "conf" / "dev.toml")
    outputs = Outputs(emr.stack, stack.outputs)
    release = packaged(place / "dist")
    assert request == start_job_run(job, release, "dev.toml", outputs, settings, emr, SCHEDULED[job])


def test_the_stack_of_a_conf_fits_the_conf(place: Path) -> None:
    settings, emr = load(place / "conf" / "prod.toml")
    Outputs(emr.stack, Stack(parameters(place)).outputs).fits(settings, emr)


def test_a_dry_run_prints_the_parameters_and_changes_nothing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(["--env", "prod", "--dry-run"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"StackName": "dmd-prod", "Parameters": parameters(place)}
    assert boto3.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_the_first_time_the_stack_comes_before_the_release_and_the_schedules_after_it(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = emulated_stack(monkeypatch)
    assert deploy.main(["--env", "prod"]) == 0, capsys.readouterr().err
    (created, without), (updated, with_release) = asked
    assert (created, updated) == ("create_stack", "update_stack")
    assert "Release" not in without
    assert with_release == parameters(place)
    name = packaged(place / "dist").name
    assert json.loads(capsys.readouterr().out)["release"] == name
    assert (
        boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"artifacts/{name}/manifest.json")[
            "KeyCount"
        ]
        == 1
    )


def test_a_stack_is_protected_once_it_is_made_and_leaves_nothing_where_it_wasnt(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[dict[str, Any]] = []
    emulated_stack(monkeypatch, requests)
    assert deploy.main(["--env", "prod"]) == 0, capsys.readouterr().err
    made, protected, updated = requests
    assert made["RetainExceptOnCreate"] is updated["RetainExceptOnCreate"] is True
    assert "EnableTerminationProtection" not in made
    assert protected == {"StackName": "dmd-prod", "EnableTerminationProtection": True}
    for operation, request in zip(
        ("CreateStack", "UpdateTerminationProtection", "UpdateStack"), requests, strict=True
    ):
        assert problems("cloudformation", operation, request) == []


@pytest.mark.parametrize("command", [deploy.main, lambda words: submit.main(["archive", *words])])
def test_a_stack_that_couldnt_be_made_has_to_be_deleted_first(
    place: Path, capsys: pytest.CaptureFixture[str], command: Callable[[list[str]], int]
) -> None:
    boto3.client("cloudformation").create_stack(
        StackName="dmd-prod", TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    )
    cloudformation_backends[ACCOUNT][REGION].get_stack("dmd-prod").status = "ROLLBACK_COMPLETE"
    assert command(["--env", "prod"]) == 1
    assert "delete-stack --stack-name dmd-prod`), then deploy again" in capsys.readouterr().err


def test_going_back_is_the_earlier_releases_name(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = emulated_stack(monkeypatch)
    deploy.main(["--env", "prod"])
    earlier = packaged(place / "dist").name
    (place / "dist" / "manifest.json").unlink()
    assert deploy.main(["--env", "prod", "--release", earlier]) == 0, capsys.readouterr().err
    assert asked[-1][1]["Release"] == earlier


def test_an_archive_on_this_machine_cant_be_deployed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    local = 'emr = {stack = "local"}\n[source]\nstream = "s"\n[archive]\nuri = "archive"\ncheckpoint = "checkpoint"\n'
    write_conf(place, "here.toml", local)
    assert deploy.main(["--env", "here"]) == 2
    assert "archive.uri: must be s3://bucket/prefix to run on EMR Serverless" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("source.format = 'aws-kinesis'", "source.format: must be kinesis on EMR Serverless"),
        (
            "latest.uri = 's3://elsewhere/latest'",
            "latest.uri: must be s3://dmd-prod-archive/dmd/latest or below",
        ),
        (
            "latest.uri = 's3://dmd-prod-archive/dmd/latest-2'",
            "latest.uri: must be s3://dmd-prod-archive/dmd/latest or",
        ),
    ],
)
def test_a_conf_that_no_stack_can_serve_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    changed_conf(place, line)
    assert deploy.main(["--env", "prod", "--dry-run"]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("alias/dmd-prod", 0),
        (f"arn:aws:made-up::{ACCOUNT}:Key", 0),
        (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/other", 1),
    ],
)
def test_another_key_than_the_stacks_is_refused_before_a_schedule_is_on(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    code: int,
) -> None:
    asked = emulated_stack(monkeypatch)
    changed_conf(place, f"archive.kms_key_id = '{key}'")
    assert deploy.main(["--env", "prod"]) == code
    assert ("archive.kms_key_id is" in capsys.readouterr().err) == bool(code)
    assert [name for name, _ in asked] == ["create_stack", "update_stack"][: 2 - code]


def test_metrics_that_the_alarms_dont_watch_are_told(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulated_stack(monkeypatch)
    changed_conf(place, "emr.parameters.MetricsNamespace = 'Other'")
    assert deploy.main(["--env", "prod"]) == 1
    assert "MetricsNamespace is Other, conf says DmdPipeline" in capsys.readouterr().err


def changed_conf(place: Path, line: str) -> None:
    """Gives conf/prod.toml such a value, ``section.key = value``."""
    section = line.partition(" = ")[0].rpartition(".")[0]
    text = (place / "conf" / "prod.toml").read_text()
    text = text if f"[{section}]\n" in text else f"{text}\n[{section}]\n"
    changed = text.replace(f"[{section}]\n", f"[{section}]\n{line.removeprefix(f'{section}.')}\n")
    write_conf(place, "prod.toml", changed)


class Smaller:
    """CloudFormation with the calls it got and their parameters; moto makes the bucket and the outputs, not all the rest."""

    def __init__(
        self, client: Any, asked: list[tuple[str, dict[str, str]]], requests: list[dict[str, Any]]
    ) -> None:
        self._client = client
        self._asked = asked
        self._requests = requests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_stack(self, **request: Any) -> None:
        self._make("create_stack", request)

    def update_stack(self, **request: Any) -> None:
        self._make("update_stack", request)

    def update_termination_protection(self, **request: Any) -> None:
        self._requests.append(request)

    def _make(self, name: str, request: dict[str, Any]) -> None:
        self._requests.append(request)
        given = {each["ParameterKey"]: each["ParameterValue"] for each in request["Parameters"]}
        assert request["TemplateBody"] == render()
        self._asked.append((name, given))
        body = {
            "Description": str(len(self._asked)),
            "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}}},
            "Outputs": {key: {"Value": value} for key, value in Stack(given).outputs.items()},
        }
        getattr(self._client, name)(StackName=request["StackName"], TemplateBody=json.dumps(body))


def emulated_stack(
    monkeypatch: pytest.MonkeyPatch, requests: list[dict[str, Any]] | None = None
) -> list[tuple[str, dict[str, str]]]:
    """Lets emr.deploy work on such a CloudFormation; returns the calls that it will have got, ``requests`` has them whole."""
    asked: list[tuple[str, dict[str, str]]] = []
    whole = [] if requests is None else requests
    monkeypatch.setattr(deploy, "client", lambda *arguments: Smaller(client(*arguments), asked, whole))
    return asked
