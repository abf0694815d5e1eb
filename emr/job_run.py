"""The StartJobRun request of a job: the same for `emr.submit` and for the schedules of the stack."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emr.release import Release
from emr.settings import EmrSettings
from emr.spark import spark_submit_parameters
from emr.stack import Stack
from jobs.settings import Settings

# Five failures within an hour are no hiccup any more: the run ends as failed, and the alarm says so.
FAILED_ATTEMPTS_PER_HOUR = 5


@dataclass(frozen=True)
class Job:
    """Where and as whom a job runs (outputs of the stack), how often it is tried and how long it may take.

    ``minutes`` 0 is for ever.
    """

    application: str
    role: str
    attempts: int
    minutes: int


# A second attempt goes on where the first was; an audit that failed has found something, which is for a person to look at.
JOBS = {
    "archive": Job("StreamApplicationId", "ArchiveRoleArn", attempts=3, minutes=0),
    "backfill": Job("BatchApplicationId", "BatchRoleArn", attempts=2, minutes=720),
    "latest": Job("BatchApplicationId", "BatchRoleArn", attempts=2, minutes=360),
    "verify": Job("BatchApplicationId", "BatchRoleArn", attempts=1, minutes=360),
}


def start_job_run(
    name: str,
    release: Release,
    conf: str,
    stack: Stack,
    settings: Settings,
    emr: EmrSettings,
    arguments: Sequence[str] = (),
) -> dict[str, Any]:
    """The request for the job ``name``, without its ``clientToken``; ``conf`` is the name of a conf in the release.

    The archive is a stream, or where the stack's mode is ``scheduled`` a batch run that ends when it has caught up.
    Raises ReleaseError and StackError.
    """
    job = JOBS[name]
    folder = f"{stack['ArtifactsUri']}/{release.name}"
    streaming = name == "archive" and stack["Mode"] == "stream"
    if name == "archive" and not streaming:
        arguments = ["--until-caught-up", *arguments]
    retries = (
        {"maxFailedAttemptsPerHour": FAILED_ATTEMPTS_PER_HOUR} if streaming else {"maxAttempts": job.attempts}
    )
    return {
        "applicationId": stack[job.application],
        "executionRoleArn": stack[job.role],
        "name": name,
        "mode": "STREAMING" if streaming else "BATCH",
        "retryPolicy": retries,
        "executionTimeoutMinutes": job.minutes,
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": f"{folder}/{name}.py",
                "entryPointArguments": ["--conf", f"{folder}/{conf}", *arguments],
                "sparkSubmitParameters": spark_submit_parameters(name, release, folder, settings, emr),
            }
        },
        "configurationOverrides": {"monitoringConfiguration": _monitoring(name, stack, emr)},
    }


def _monitoring(name: str, stack: Stack, emr: EmrSettings) -> dict[str, Any]:
    """Logs to S3 and to CloudWatch, which the metrics are taken from. EMR Serverless rotates them by itself.

    Prometheus is of submitted runs alone: the stack's schedules don't have it.
    """
    cloudwatch = {
        "enabled": True,
        "logGroupName": stack["LogGroupName"],
        "logStreamNamePrefix": name,
        "logTypes": {"SPARK_DRIVER": ["STDOUT", "STDERR"], "SPARK_EXECUTOR": ["STDERR"]},
    }
    prometheus = {"prometheusMonitoringConfiguration": {"remoteWriteUrl": emr.prometheus_url}}
    return {
        "s3MonitoringConfiguration": {"logUri": stack["LogsUri"]},
        "cloudWatchLoggingConfiguration": cloudwatch,
        "managedPersistenceMonitoringConfiguration": {"enabled": True},
        **(prometheus if emr.prometheus_url else {}),
    }
