"""What the schedules start: requests that EMR Serverless takes, with command lines that the jobs take."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from jobs.command_line import instant
from tests.emr.service_model import problems
from tests.emr.stack import Stack

EMR = Path(__file__).parents[2] / "emr"
RELEASE = "0123456789abcdef"
# A made-up value for each of what EventBridge Scheduler fills in.
CONTEXT = {
    "<aws.scheduler.execution-id>": "d32c5kddcf5bb8c3",
    "<aws.scheduler.scheduled-time>": "2026-03-01T03:15:00Z",
}
JOBS = ("archive", "backfill", "latest", "verify")


@pytest.fixture(scope="module")
def stack() -> Stack:
    spark = {f"{job.capitalize()}SparkParameters": f"--name {job}" for job in JOBS}
    return Stack({"Mode": "scheduled", "Release": RELEASE, **spark})


def entry(stack: Stack, job: str) -> dict[str, Any]:
    """The schedule of a job."""
    return stack.of_type("AWS::Scheduler::Schedule")[f"{job.capitalize()}SchedulerEntry"]


def request(stack: Stack, job: str) -> dict[str, Any]:
    """What a schedule sends, as Scheduler fills it in."""
    text = entry(stack, job)["Target"]["Input"]
    for name, value in CONTEXT.items():
        text = text.replace(name, value)
    assert "<aws." not in text
    found: dict[str, Any] = json.loads(text)
    return found


def as_the_api_names_it(value: Any) -> Any:
    """PascalCase keys, as Scheduler's universal target wants them, in the API's camelCase; names of values stay."""
    if isinstance(value, list):
        return [as_the_api_names_it(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key if key.isupper() else key[0].lower() + key[1:]: as_the_api_names_it(each)
        for key, each in value.items()
    }


@pytest.mark.parametrize("job", JOBS)
def test_a_schedule_sends_a_request_that_emr_serverless_takes(stack: Stack, job: str) -> None:
    sent = request(stack, job)
    assert all(key[0].isupper() for key in sent)
    assert problems("emr-serverless", "StartJobRun", as_the_api_names_it(sent)) == []
    assert sent["Mode"] == "BATCH"
    assert entry(stack, job)["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:emrserverless:startJobRun"


@pytest.mark.parametrize("job", JOBS)
def test_a_schedule_starts_its_job_from_the_release(stack: Stack, job: str) -> None:
    sent = request(stack, job)
    submit = sent["JobDriver"]["SparkSubmit"]
    folder = f"s3://dmd-prod-archive/artifacts/{RELEASE}/"
    assert submit["EntryPoint"] == f"{folder}{job}.py"
    assert (EMR / f"{job}.py").is_file()
    assert submit["EntryPointArguments"][:2] == ["--conf", f"{folder}prod.toml"]
    assert submit["SparkSubmitParameters"] == f"--name {job}"
    application, role = ("00stream", "Archive") if job == "archive" else ("00batch", "Batch")
    assert sent["ApplicationId"] == application
    assert sent["ExecutionRoleArn"].endswith(f"{role}Role")


@pytest.mark.parametrize("job", JOBS)
def test_a_run_logs_to_the_bucket_and_to_the_group_whose_lines_become_metrics(stack: Stack, job: str) -> None:
    logging = request(stack, job)["ConfigurationOverrides"]["MonitoringConfiguration"]
    assert logging["S3MonitoringConfiguration"]["LogUri"] == stack.outputs["LogsUri"]
    logs = logging["CloudWatchLoggingConfiguration"]
    assert (logs["Enabled"], logs["LogGroupName"]) == (True, stack.outputs["LogGroupName"])
    assert logs["LogTypes"]["SPARK_DRIVER"] == ["STDOUT", "STDERR"]


@pytest.mark.parametrize("job", ["archive", "verify", "latest"])
def test_a_job_takes_the_command_line_of_its_schedule(stack: Stack, job: str) -> None:
    arguments = request(stack, job)["JobDriver"]["SparkSubmit"]["EntryPointArguments"]
    module = "jobs.archive" if job == "archive" else f"jobs.{job}.__main__"
    options = vars(importlib.import_module(module)._options(arguments))
    assert options["conf"]
    assert job != "archive" or options["until_caught_up"]


def test_a_backfill_takes_the_command_line_of_its_schedule(stack: Stack) -> None:
    from jobs.backfill.arguments import parse

    arguments = request(stack, "backfill")["JobDriver"]["SparkSubmit"]["EntryPointArguments"]
    _, _, options = parse(arguments, "")
    assert options.kind == "kinesis"
    assert instant(str(options.as_of)) == CONTEXT["<aws.scheduler.scheduled-time>"]


@pytest.mark.parametrize(("release", "state"), [("", "DISABLED"), (RELEASE, "ENABLED")])
def test_schedules_rest_until_there_is_a_release(release: str, state: str) -> None:
    entries = Stack({"Release": release}).of_type("AWS::Scheduler::Schedule")
    assert {one["State"] for one in entries.values()} == {state}


@pytest.mark.parametrize("job", JOBS)
def test_what_could_not_be_started_is_a_dead_letter(stack: Stack, job: str) -> None:
    target = entry(stack, job)["Target"]
    assert target["DeadLetterConfig"]["Arn"].endswith("DeadLetters")
    assert target["RoleArn"].endswith("SchedulerRole")
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
