"""The stack that ``emr.deploy`` makes, as its outputs tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emr.settings import EmrSettings
from jobs.errors import PipelineError
from jobs.settings import Settings, SettingsError


class StackError(PipelineError):
    """The stack isn't there, or isn't what is expected of it."""


@dataclass(frozen=True)
class Stack:
    """The outputs of a stack, by their names in ``emr/template.yaml``."""

    name: str
    outputs: Mapping[str, str]

    def __getitem__(self, output: str) -> str:
        """An output's value. Raises StackError where the stack lacks it."""
        if output not in self.outputs:
            raise StackError(
                f"the stack {self.name} has no output {output}: bring it up to date by `emr.deploy`"
            )
        return self.outputs[output]

    def fits(self, settings: Settings, emr: EmrSettings) -> "Stack":
        """Itself, if conf and stack mean the same things. Raises StackError naming each that differs."""
        expected = {
            "ArchiveUri": settings.archive.uri.rstrip("/"),
            "CheckpointUri": settings.archive.checkpoint.rstrip("/"),
            "StreamName": settings.source.stream,
            "DatabaseName": settings.catalog.database or "",
            "ArchitectureName": emr.architecture,
            "MetricsNamespace": settings.metrics.namespace,
            "Mode": emr.parameters.get("Mode", self["Mode"]),
        }
        wrong = [
            f"{name} is {self[name]}, conf says {value}"
            for name, value in expected.items()
            if self[name] != value
        ]
        if wrong:
            raise StackError(
                f"the stack {self.name} isn't the one of this conf: {'; '.join(wrong)}: "
                "change the conf, or bring the stack up to date by `emr.deploy`"
            )
        return self.with_its_key(settings)

    def with_its_key(self, settings: Settings) -> "Stack":
        """Itself, if the conf names no other KMS key than the stack's. Raises StackError."""
        arn, named = self["KeyArn"], settings.archive.kms_key_id
        if named not in (None, arn, arn.rpartition("/")[2], f"alias/{self.name}"):
            raise StackError(
                f"archive.kms_key_id is {named}, and the roles of the stack {self.name} may use its own key alone: "
                "leave it out, the bucket encrypts with that"
            )
        return self


def read_stack(cloudformation: Any, name: str) -> Stack | None:
    """The stack of that name, None where there is none. Raises StackError for one whose creation failed."""
    from botocore.exceptions import ClientError

    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if stack["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"):
        raise StackError(
            f"the stack {name} couldn't be made, its events say why: "
            f"delete it (`aws cloudformation delete-stack --stack-name {name}`), then deploy again"
        )
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    return Stack(name, outputs)


def expected_stack(settings: Settings, emr: EmrSettings, account: str = "111122223333") -> Stack:
    """A stack of this conf as it would be, with made-up ids: what can be known without an account."""
    bucket, prefix = bucket_and_prefix(settings.archive.uri, "archive.uri")
    role = f"arn:aws:iam::{account}:role/{emr.stack}"
    outputs = {
        "ArtifactsUri": f"s3://{bucket}/artifacts",
        "StreamApplicationId": "00examplestream",
        "BatchApplicationId": "00examplebatch",
        "ArchiveRoleArn": f"{role}-ArchiveRole",
        "BatchRoleArn": f"{role}-BatchRole",
        "ArchiveUri": f"s3://{bucket}/{prefix}",
        "CheckpointUri": settings.archive.checkpoint.rstrip("/"),
        "LogsUri": f"s3://{bucket}/logs",
        "LogGroupName": f"/dmd/{emr.stack}",
        "StreamName": settings.source.stream,
        "DatabaseName": settings.catalog.database or "",
        "ArchitectureName": emr.architecture,
        "Mode": emr.parameters.get("Mode", "stream"),
        "MetricsNamespace": settings.metrics.namespace,
        "KeyArn": settings.archive.kms_key_id or f"arn:aws:kms:us-east-1:{account}:key/example",
    }
    return Stack(emr.stack, outputs)


def bucket_and_prefix(uri: str, key: str) -> tuple[str, str]:
    """The parts of ``s3://bucket/prefix``. Raises SettingsError for any other place."""
    scheme, _, rest = uri.partition("://")
    bucket, _, prefix = rest.strip("/").partition("/")
    if scheme != "s3" or not prefix:
        raise SettingsError(f"{key}: must be s3://bucket/prefix to run on EMR Serverless, not {uri}")
    return bucket, prefix
