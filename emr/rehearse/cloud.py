"""The emulated AWS of a rehearsal: moto on loopback, in this process, with stand-ins for what it can't make of a template."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from unittest.mock import patch

import moto.emrserverless.models as emulated
from moto.cloudformation.parsing import get_model_map
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.glue.models import glue_backends
from moto.server import ThreadedMotoServer

from jobs.demo.emulator import HOST, clean_environment

ACCOUNT = "123456789012"
# moto knows no release labels of Spark 4; no code of a release is in it anyway.
_LABEL = "emr-7.9.0"
# What only has a name and an ARN here: what they do is nothing that this machine could show.
STAND_INS = (
    "AWS::Athena::NamedQuery",
    "AWS::Athena::WorkGroup",
    "AWS::CloudWatch::Alarm",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
    "AWS::Scheduler::ScheduleGroup",
)


@dataclass(frozen=True)
class Cloud:
    """Where the emulated AWS listens, and in which region its stack is."""

    url: str
    region: str

    def environment(self) -> dict[str, str]:
        """The environment for a child that is to see this AWS and no other."""
        credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        place = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region, "AWS_ENDPOINT_URL": self.url}
        return {**clean_environment(), **credentials, **place}

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS."""
        import boto3

        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, endpoint_url=self.url, region_name=self.region, **keys)  # type: ignore[call-overload]

    def runs(self) -> list[emulated.JobRun]:
        """Every run that was started, of all applications, oldest first."""
        backend = emulated.emrserverless_backends[ACCOUNT][self.region]
        return [run for runs in backend.job_runs.values() for run in runs]


@contextmanager
def emulated_aws(region: str) -> Iterator[Cloud]:
    """An empty AWS; runs that are started wait there as SUBMITTED, and cancelled ones as CANCELLING, for a worker."""
    known: dict[str, Any] = get_model_map()
    known |= dict.fromkeys(STAND_INS, _StandIn)
    known |= {"AWS::EMRServerless::Application": _Application, "AWS::Glue::Database": _Database}
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    waiting = patch.object(emulated, "JOB_STATUS", "SUBMITTED")
    cancelling = patch.object(emulated.EMRServerlessBackend, "cancel_job_run", _cancelling)
    # moto protects a stack at its creation alone.
    protecting = patch.object(
        CloudFormationResponse, "update_termination_protection", _protecting, create=True
    )
    try:
        with waiting, cancelling, protecting:
            yield Cloud(f"http://{HOST}:{server.get_host_and_port()[1]}", region)
    finally:
        server.stop()


def _cancelling(self: emulated.EMRServerlessBackend, application_id: str, job_run_id: str) -> tuple[str, str]:
    self.get_job_run(application_id, job_run_id).state = "CANCELLING"
    return application_id, job_run_id


def _protecting(self: CloudFormationResponse) -> ActionResult:
    return ActionResult(
        {"StackId": self.cloudformation_backend.get_stack(self._get_param("StackName")).stack_id}
    )


class _StandIn:
    """A resource as moto's CloudFormation wants one: with a physical id and an ARN."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    def is_created(self) -> bool:
        return True

    @classmethod
    def has_cfn_attr(cls, attribute: str) -> bool:
        return attribute == "Arn"

    def get_cfn_attribute(self, _attribute: str) -> str:
        return f"arn:aws:made-up::{ACCOUNT}:{self.physical_resource_id}"

    @classmethod
    def create_from_cloudformation_json(
        cls, name: str, resource: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Self:
        return cls(cls.make(name, resource.get("Properties", {}), account_id, region_name))

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Self, **_: Any) -> Self:
        return original_resource

    @classmethod
    def make(cls, name: str, _properties: dict[str, Any], _account: str, _region: str) -> str:
        """Make what it stands for, if that can be made; returns the physical id."""
        return name


class _Application(_StandIn):
    @classmethod
    def make(cls, name: str, _properties: dict[str, Any], account: str, region: str) -> str:
        backend = emulated.emrserverless_backends[account][region]
        return str(backend.create_application(name, _LABEL, "SPARK", "", "", "", {}, "", "", None).id)


class _Database(_StandIn):
    @classmethod
    def make(cls, _name: str, properties: dict[str, Any], account: str, region: str) -> str:
        described = properties["DatabaseInput"]
        glue_backends[account][region].create_database(described["Name"], described)
        return str(described["Name"])
