"""The rehearsal says where it broke. That it ends well is what `.ci/run` shows by `make rehearse`."""

import json
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr.rehearse import __main__ as rehearse
from emr.rehearse import cloud as emulation
from emr.rehearse.play import Rehearsal, RehearsalError
from emr.rehearse.worker import Workers
from emr.settings import load
from emr.template import template
from tests.emr.service_model import problems
from tests.jobs.job import ROOT

ROLE = f"arn:aws:iam::{emulation.ACCOUNT}:role/run"


@pytest.fixture(scope="module")
def cloud() -> Iterator[emulation.Cloud]:
    with emulation.emulated_aws("eu-west-2") as aws:
        yield aws


def test_what_only_has_a_stand_in_is_what_moto_cant_make(cloud: emulation.Cloud) -> None:
    from moto.cloudformation import parsing

    made = {model.cloudformation_type() for model in parsing.get_model_list()}
    needed = {one["Type"] for one in template()["Resources"].values()}
    assert not made & set(emulation.STAND_INS)
    assert needed - made - set(emulation.STAND_INS) == {
        "AWS::EMRServerless::Application",
        "AWS::Glue::Database",
    }


def test_a_stack_can_be_protected_after_it_is_made(cloud: emulation.Cloud) -> None:
    cloudformation = cloud.client("cloudformation")
    body = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    made = cloudformation.create_stack(StackName="s", TemplateBody=body, RetainExceptOnCreate=True)
    answer = cloudformation.update_termination_protection(StackName="s", EnableTerminationProtection=True)
    assert answer["StackId"] == made["StackId"]


def test_a_run_that_cant_start_is_told_with_its_reason(
    cloud: emulation.Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serverless = cloud.client("emr-serverless")
    application = serverless.create_application(name="a", releaseLabel="emr-7.9.0", type="SPARK")[
        "applicationId"
    ]
    driver = {"sparkSubmit": {"entryPoint": "s3://nowhere/archive.py", "sparkSubmitParameters": "--conf a=b"}}
    request: dict[str, Any] = {
        "applicationId": application,
        "executionRoleArn": ROLE,
        "clientToken": "t",
        "jobDriver": driver,
    }
    assert problems("emr-serverless", "StartJobRun", request) == []
    with Workers(cloud, tmp_path, {"SPARK_HOME": "/nowhere"}) as workers:
        serverless.start_job_run(**request)
        settings, emr = load(ROOT / "conf" / "prod.toml")
        played = Rehearsal(cloud, workers, tmp_path, "prod", settings, emr)
        with pytest.raises(RehearsalError, match=r"the run \w+ failed: .*404"):
            played._await("never", lambda: False)


def test_a_machine_that_the_release_doesnt_run_on_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert rehearse.main([]) == 1
    assert (
        "rehearse: conf says emr.architecture X86_64, whose packages don't run on" in capsys.readouterr().err
    )
