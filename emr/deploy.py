"""``python -m emr.deploy --env ENV``: makes the stack or brings it up to date, with the release for its scheduled runs."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emr import artifacts
from emr.aws import client, told
from emr.job_run import JOBS
from emr.release import DIST, Release
from emr.settings import EmrSettings, load
from emr.spark import spark_submit_parameters
from emr.stack import Stack, StackError, bucket_and_prefix, read_stack
from emr.submit import CONF
from emr.template import render
from jobs.command_line import exit_code
from jobs.settings import Settings

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy; 0 when the stack is up to date, 1 when not, 2 for a wrong command line or conf."""
    options = _options(arguments)
    return exit_code("deploy", lambda: told(lambda: _deploy(options)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m emr.deploy", description=(__doc__ or "").replace("``", "`")
    )
    parser.add_argument("--env", required=True, metavar="ENV", help="whose conf: conf/ENV.toml")
    parser.add_argument("--release", metavar="HASH", help="an earlier release, not the one in dist/")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the stack's parameters, and change nothing"
    )
    return parser.parse_args(arguments)


def _deploy(options: argparse.Namespace) -> int:
    conf = CONF / f"{options.env}.toml"
    settings, emr = load(conf)
    to = artifacts_uri(settings)
    release = artifacts.chosen(options.release, DIST, to)
    parameters = {**stack_parameters(settings, emr), **release_parameters(release, conf, settings, emr)}
    if options.dry_run:
        print(json.dumps({"StackName": emr.stack, "Parameters": parameters}, indent=2))
        return 0
    cloudformation = client("cloudformation", settings)
    if read_stack(cloudformation, emr.stack) is None:
        # Without a release: the bucket for it comes with the stack, and until then no schedule is on.
        _make(cloudformation, emr.stack, stack_parameters(settings, emr))
    # Not at its creation: a stack whose creation failed has to be deleted before it can be made again.
    cloudformation.update_termination_protection(StackName=emr.stack, EnableTerminationProtection=True)
    _there(cloudformation, emr.stack).with_its_key(settings)
    if not options.release:
        artifacts.upload(release, DIST, to)
    _update(cloudformation, emr.stack, parameters)
    stack = _there(cloudformation, emr.stack).fits(settings, emr)
    print(json.dumps({"release": release.name, **stack.outputs}, indent=2))
    return 0


def _there(cloudformation: Any, name: str) -> Stack:
    stack = read_stack(cloudformation, name)
    if stack is None:
        raise StackError(f"the stack {name} is gone")
    return stack


def artifacts_uri(settings: Settings) -> str:
    """Where releases are: beside the archive, in its bucket. Raises SettingsError for an archive that isn't on S3."""
    return f"s3://{bucket_and_prefix(settings.archive.uri, 'archive.uri')[0]}/artifacts"


def stack_parameters(settings: Settings, emr: EmrSettings) -> dict[str, str]:
    """What the conf says of the stack; ``[emr.parameters]`` as it is. Raises SettingsError."""
    bucket, prefix = bucket_and_prefix(settings.archive.uri, "archive.uri")
    other, checkpoint = bucket_and_prefix(settings.archive.checkpoint, "archive.checkpoint")
    if other != bucket:
        raise StackError(f"archive.checkpoint must be in the archive's bucket {bucket}: the stack makes one")
    if settings.catalog.database is None:
        raise StackError("catalog.database is missing: the stack makes the database")
    return {
        "BucketName": bucket,
        "ArchivePrefix": prefix,
        "CheckpointPrefix": checkpoint,
        "StreamName": settings.source.stream,
        "DatabaseName": settings.catalog.database,
        "Architecture": emr.architecture,
        "MetricsNamespace": settings.metrics.namespace,
        **emr.parameters,
    }


def release_parameters(release: Release, conf: Path, settings: Settings, emr: EmrSettings) -> dict[str, str]:
    """What scheduled runs start: the release, the conf in it and the parameters of spark-submit, by job."""
    folder = f"{artifacts_uri(settings)}/{release.name}"
    spark = {
        f"{job.capitalize()}SparkParameters": spark_submit_parameters(job, release, folder, settings, emr)
        for job in JOBS
    }
    return {"Release": release.name, "Conf": conf.name, **spark}


def _make(cloudformation: Any, name: str, parameters: dict[str, str]) -> None:
    cloudformation.create_stack(**_request(name, parameters))
    _say(f"making the stack {name}, which takes some minutes")
    _await(cloudformation, "stack_create_complete", name)


def _update(cloudformation: Any, name: str, parameters: dict[str, str]) -> None:
    from botocore.exceptions import ClientError

    try:
        cloudformation.update_stack(**_request(name, parameters))
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
        return
    _say(f"bringing the stack {name} up to date")
    _await(cloudformation, "stack_update_complete", name)


def _await(cloudformation: Any, state: str, name: str) -> None:
    from botocore.exceptions import WaiterError

    try:
        cloudformation.get_waiter(state).wait(StackName=name)
    except WaiterError as error:
        raise StackError(
            f"the stack {name} isn't as asked: `aws cloudformation describe-stack-events --stack-name {name}` says why"
        ) from error


def _request(name: str, parameters: dict[str, str]) -> dict[str, Any]:
    pairs = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    return {
        "StackName": name,
        "TemplateBody": render(),
        "Parameters": pairs,
        "Capabilities": _CAPABILITIES,
        # What is kept for its data has none yet where it was made in vain: left behind, its name would be taken.
        "RetainExceptOnCreate": True,
    }


def _say(text: str) -> None:
    print(f"deploy: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
