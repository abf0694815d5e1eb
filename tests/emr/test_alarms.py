"""Every alarm watches what is emitted and names a section of the runbook; the runbook's commands exist."""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name

from jobs.metrics import BY_TYPE, METRICS
from schemas import RECORD_TYPES
from tests.emr.stack import ACCOUNT, Stack, as_list

RUNBOOK = (Path(__file__).parents[2] / "emr" / "RUNBOOK.md").read_text(encoding="utf-8")
SECTIONS = {title.lower().replace(" ", "-") for title in re.findall(r"^##+ (.+)$", RUNBOOK, re.MULTILINE)}
STREAM = {"Stream": "dmd-prod-changes"}
# What AWS's own services emit, of which an alarm or the dashboard speaks.
OF_AWS = {
    ("AWS/Kinesis", "IncomingRecords", "StreamName"),
    ("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", "StreamName"),
    ("AWS/Kinesis", "ReadProvisionedThroughputExceeded", "StreamName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
    ("AWS/Events", "TriggeredRules", "RuleName"),
}
ALARMS = {
    "LagAlarm",
    "NoBatchAlarm",
    "FailedRunAlarm",
    "FailedShareAlarm",
    "PendingPartitionsAlarm",
    "DeadLettersAlarm",
}


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack()


def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    return stack.of_type("AWS::CloudWatch::Alarm")


def watched(alarm: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric of an alarm."""
    stats = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    for metric in stats or [alarm]:
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        yield metric["Namespace"], metric["MetricName"], dimensions


def shown(stack: Stack) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The same of each metric on the dashboard, its abbreviations written out."""
    body = json.loads(stack.of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"])
    for widget in body["widgets"]:
        before: list[str] = []
        for row in widget["properties"].get("metrics", []):
            words = [word for word in row if isinstance(word, str)]
            if words[0] == "...":
                words = [*before[: len(before) - len(words) + 1], *words[1:]]
            words = [before[at] if word == "." else word for at, word in enumerate(words)]
            before = words
            yield words[0], words[1], dict(zip(words[2::2], words[3::2], strict=True))


def assert_emitted(namespace: str, name: str, dimensions: dict[str, str]) -> None:
    if namespace == "DmdPipeline":
        assert name in METRICS
        type = dimensions.pop("Type", None)
        assert dimensions == STREAM
        assert type is None or (type in {*RECORD_TYPES, "unknown"} and name in BY_TYPE.values())
    else:
        assert (namespace, name, *dimensions) in OF_AWS


def test_there_is_an_alarm_for_everything_that_needs_a_person(stack: Stack) -> None:
    assert set(alarms(stack)) == ALARMS


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_an_alarm_names_its_section_of_the_runbook_and_tells_somebody(stack: Stack, alarm: str) -> None:
    one = alarms(stack)[alarm]
    section = re.search(r"emr/RUNBOOK\.md#([a-z-]+)$", one["AlarmDescription"])
    assert section is not None
    assert section.group(1) in SECTIONS
    assert f"*`{one['AlarmName']}`: " in RUNBOOK
    assert one["AlarmActions"] == ["AlarmTopic"]


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_an_alarm_watches_what_the_job_or_aws_emits(stack: Stack, alarm: str) -> None:
    for namespace, name, dimensions in watched(alarms(stack)[alarm]):
        assert_emitted(namespace, name, dimensions)


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_an_alarm_is_evaluated_over_a_time_that_cloudwatch_takes(alarm: str) -> None:
    for mode in ("stream", "scheduled"):
        for seconds in ("3600", "43200"):
            one = alarms(Stack({"Mode": mode, "ScheduledNoBatchSeconds": seconds}))[alarm]
            metrics = [each["MetricStat"] for each in one.get("Metrics", []) if "MetricStat" in each]
            for metric in metrics or [one]:
                assert int(metric["Period"]) % 60 == 0
                assert int(metric["Period"]) * int(one["EvaluationPeriods"]) <= 24 * 3600


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_an_alarm_of_several_metrics_returns_one_expression_of_them(stack: Stack, alarm: str) -> None:
    metrics = alarms(stack)[alarm].get("Metrics")
    if metrics is None:
        return
    (result,) = (one for one in metrics if one.get("ReturnData", True))
    ids = set(re.findall(r"\b[a-z]\w*\b", result["Expression"]))
    assert ids == {one["Id"] for one in metrics} - {result["Id"]}


def test_the_lag_alarm_is_a_share_of_the_retention() -> None:
    one = alarms(Stack({"StreamRetentionHours": "48", "LagPercent": "25"}))["LagAlarm"]
    (result,) = (each for each in one["Metrics"] if "Expression" in each)
    assert (result["Expression"], one["Threshold"]) == ("100 * lag / (48 * 3600000)", "25")


def test_failed_runs_of_both_applications_are_counted_and_told(stack: Stack) -> None:
    rule = stack.of_type("AWS::Events::Rule")["FailedRuns"]
    applications = {"applicationId": ["00stream", "00batch"]}
    assert rule["EventPattern"] == {
        "source": ["aws.emr-serverless"],
        "$or": [
            {
                "detail-type": ["EMR Serverless Job Run State Change"],
                "detail": {"state": ["FAILED"], **applications},
            },
            # A run that times out ends as CANCELLED; of the stream's application that is a redeploy.
            {
                "detail-type": ["EMR Serverless Job Run State Change"],
                "detail": {"state": ["CANCELLED"], "applicationId": ["00batch"]},
            },
            {"detail-type": ["EMR Serverless Job Run Retry"], "detail": applications},
        ],
    }
    message = json.loads(re.sub(r"<\w+>", "x", rule["Targets"][0]["InputTransformer"]["InputTemplate"]))
    assert "failed or was cancelled at" in message


def notifying(stack: Stack, service: str) -> list[dict[str, Any]]:
    """What the alarms' topic and its key allow a service to do."""
    (topic,) = stack.of_type("AWS::SNS::TopicPolicy").values()
    key = stack.of_type("AWS::KMS::Key")["Key"]["KeyPolicy"]
    everything = [*topic["PolicyDocument"]["Statement"], *key["Statement"]]
    return [one for one in everything if service in as_list(one["Principal"].get("Service", []))]


def test_eventbridge_may_tell_of_failed_runs_on_no_condition_that_it_cant_meet(stack: Stack) -> None:
    topic, key = notifying(stack, "events.amazonaws.com")
    assert (topic["Action"], key["Action"]) == ("sns:Publish", ["kms:Decrypt", "kms:GenerateDataKey"])
    # It sends neither aws:SourceAccount nor aws:SourceArn to a topic.
    assert "aws:Source" not in json.dumps([topic, key])


def test_only_this_accounts_alarms_may_tell_of_themselves(stack: Stack) -> None:
    for one in notifying(stack, "cloudwatch.amazonaws.com"):
        assert one["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_dashboard_shows_what_is_emitted(stack: Stack) -> None:
    metrics = list(shown(stack))
    assert len(metrics) > len(METRICS)
    for namespace, name, dimensions in metrics:
        assert_emitted(namespace, name, dimensions)
    on_it = {name for namespace, name, _ in metrics if namespace == "DmdPipeline"}
    assert set(METRICS) - on_it == {"BatchSeconds"}, "the phases add up to it"


def test_the_runbook_tells_of_every_parameter_that_it_names(stack: Stack) -> None:
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", RUNBOOK))
    known = {*stack.template["Parameters"], *stack.template["Outputs"], *METRICS}
    assert named - known == {"ReadProvisionedThroughputExceeded", "AccessDenied", "PutBucketPolicy"}


def test_the_runbooks_commands_exist() -> None:
    modules = set(re.findall(r"python -m ([\w.]+)", RUNBOOK))
    assert {"emr.submit", "emr.deploy", "jobs.doctor", "jobs.sync_catalog"} <= modules
    assert all(importlib.util.find_spec(module) for module in modules)
    commands = set(re.findall(r"aws ([a-z-]+) ([a-z-]+)", RUNBOOK)) - {
        ("logs", "tail"),
        ("s3", "ls"),
        ("s3", "cp"),
    }
    for service, operation in commands:
        names = boto3.client(service, region_name="us-east-1").meta.service_model.operation_names
        assert operation in {xform_name(name, "-") for name in names}, f"aws {service} {operation}"


def test_the_runbooks_links_lead_somewhere() -> None:
    folder = Path(__file__).parents[2] / "emr"
    for target in re.findall(r"\]\(([^)]+)\)", RUNBOOK):
        path, _, anchor = target.partition("#")
        assert (folder / path).exists(), target
        if not path:
            assert anchor in SECTIONS, target
