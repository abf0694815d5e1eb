"""The stack's template: clean under its linters, fitting the conf, the bucket and the roles as narrow as promised."""

import importlib.util
import json
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from emr.template import MAX_BYTES, TEMPLATE, render, template
from jobs.settings import MetricsSettings
from tests.emr.stack import ACCOUNT, Stack, as_list

ROOT = Path(__file__).parents[2]
OUTPUTS = {
    "ArtifactsUri": "s3://dmd-prod-archive/artifacts",
    "ArchiveUri": "s3://dmd-prod-archive/dmd",
    "CheckpointUri": "s3://dmd-prod-archive/checkpoints/archive",
    "LogsUri": "s3://dmd-prod-archive/logs",
    "LogGroupName": "/dmd/dmd-prod",
    "StreamName": "dmd-prod-changes",
    "DatabaseName": "dmd",
    "Mode": "stream",
    "ArchitectureName": "X86_64",
    "StreamApplicationId": "00stream",
    "BatchApplicationId": "00batch",
}
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a1b2c3d-0000-1111-2222-333344445555"
EXPORTS = {"Listing": "arn:aws:s3:::exports", "Reading": "arn:aws:s3:::exports/*"}
# These can't be narrower: AWS offers no resource to name for them, or they belong to the key itself.
WIDE = {("RuntimePolicy", "LogGroups")}


@pytest.fixture(scope="module")
def check() -> ModuleType:
    """The linters of `make lint`."""
    spec = importlib.util.spec_from_file_location("check_template", ROOT / ".ci" / "check_template.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack()


def statements(stack: Stack) -> list[tuple[str, dict[str, Any]]]:
    """Every statement of a policy that is attached to somebody, with the policy's logical id."""
    policies = stack.of_type("AWS::IAM::ManagedPolicy")
    return [(name, each) for name, one in policies.items() for each in one["PolicyDocument"]["Statement"]]


def test_the_linters_find_nothing_in_what_is_deployed(
    check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rendered = tmp_path / "rendered.json"
    rendered.write_text(render())
    assert (check.main(rendered), capsys.readouterr().out) == (0, "")


def test_the_linters_find_what_is_not_secure_or_no_cloudformation(check: ModuleType, tmp_path: Path) -> None:
    spoilt = template()
    del spoilt["Resources"]["Bucket"]["Properties"]["PublicAccessBlockConfiguration"]
    spoilt["Resources"]["Stream"]["Properties"]["StreamEncryption"] = {"EncryptionType": "NONE"}
    (tmp_path / "spoilt.json").write_text(json.dumps(spoilt))
    found = " ".join(check.validated(tmp_path / "spoilt.json"))
    assert "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED" in found
    assert "KINESIS_STREAM_ENCRYPTION" in found
    assert "Metadata.guard.SuppressedRules" in found
    assert any("E3002" in one or "E3003" in one for one in check.linted(tmp_path / "spoilt.json"))


def test_every_waived_rule_has_its_reason_on_the_line_before() -> None:
    lines = TEMPLATE.read_text(encoding="utf-8").splitlines()
    start = [number for number, line in enumerate(lines) if line.strip() == "SuppressedRules:"]
    assert start
    for number in start:
        block = [line.strip() for line in lines[number + 1 : number + 12]]
        waived = [at for at, line in enumerate(block) if line.startswith("- ") and line[2:].isupper()]
        assert waived
        assert all(block[at - 1].startswith("# ") for at in waived)


def test_the_template_fits_into_a_request() -> None:
    assert len(render().encode()) <= MAX_BYTES
    assert json.loads(render()) == template()


def test_every_query_of_the_schemas_is_a_saved_query(stack: Stack) -> None:
    folder = ROOT / "schemas" / "queries"
    files = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.sql")}
    saved = stack.of_type("AWS::Athena::NamedQuery").values()
    assert {one["Name"]: one["QueryString"] for one in saved} == files
    for one in saved:
        assert (one["Database"], one["WorkGroup"]) == ("dmd", "WorkGroup")
        assert one["Description"]


def test_only_the_network_has_to_be_told(stack: Stack) -> None:
    parameters = stack.template["Parameters"]
    assert {name for name, one in parameters.items() if "Default" not in one} == {
        "SubnetIds",
        "SecurityGroupIds",
    }
    assert all(one["Description"] for one in parameters.values())


def test_the_outputs_say_what_a_submitter_needs(stack: Stack) -> None:
    assert {name: stack.outputs[name] for name in OUTPUTS} == OUTPUTS
    assert stack.outputs["ArchiveRoleArn"].endswith("ArchiveRole")
    assert stack.outputs["BatchRoleArn"].endswith("BatchRole")


def test_the_defaults_are_the_production_conf(stack: Stack) -> None:
    conf = tomllib.loads((ROOT / "conf" / "prod.toml").read_text(encoding="utf-8"))
    assert stack.outputs["ArchiveUri"] == conf["archive"]["uri"]
    assert stack.outputs["CheckpointUri"] == conf["archive"]["checkpoint"]
    assert stack.outputs["StreamName"] == conf["source"]["stream"]
    assert stack.outputs["DatabaseName"] == conf["catalog"]["database"]
    metrics = MetricsSettings(**conf["metrics"])
    assert (metrics.enabled, metrics.namespace) == (True, stack.values["MetricsNamespace"])


def test_the_mode_decides_whether_the_archive_job_is_scheduled() -> None:
    entries = {
        mode: Stack({"Mode": mode}).of_type("AWS::Scheduler::Schedule") for mode in ("stream", "scheduled")
    }
    assert set(entries["scheduled"]) - set(entries["stream"]) == {"ArchiveSchedulerEntry"}
    assert set(entries["stream"]) == {
        "BackfillSchedulerEntry",
        "LatestSchedulerEntry",
        "VerifySchedulerEntry",
    }


def test_only_one_archive_job_runs_at_a_time_and_capacity_is_capped(stack: Stack) -> None:
    applications = stack.of_type("AWS::EMRServerless::Application")
    assert applications["StreamApplication"]["SchedulerConfiguration"]["MaxConcurrentRuns"] == 1
    for one in applications.values():
        assert one["ReleaseLabel"] == "emr-spark-8.2.0"
        assert {"Cpu", "Memory"} <= set(one["MaximumCapacity"])
        assert one["NetworkConfiguration"] == {
            "SubnetIds": ["subnet-0a1b2c3d", "subnet-4e5f6a7b"],
            "SecurityGroupIds": ["sg-0a1b2c3d"],
        }


@pytest.mark.parametrize(("parameters", "hours"), [({}, "168"), ({"StreamRetentionHours": "48"}, "48")])
def test_the_stream_takes_any_load_and_keeps_a_week_unless_told_otherwise(
    parameters: dict[str, str], hours: str
) -> None:
    stream = Stack(parameters).of_type("AWS::Kinesis::Stream")["Stream"]
    assert stream["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert str(stream["RetentionPeriodHours"]) == hours
    assert stream["StreamEncryption"]["EncryptionType"] == "KMS"


def test_logs_are_kept_as_long_as_asked_for_wherever_they_are() -> None:
    stack = Stack({"LogRetentionDays": "30"})
    (log_group,) = stack.of_type("AWS::Logs::LogGroup").values()
    rules = stack.of_type("AWS::S3::Bucket")["Bucket"]["LifecycleConfiguration"]["Rules"]
    (logs,) = (rule for rule in rules if rule["Prefix"] == "logs/")
    assert (str(log_group["RetentionInDays"]), str(logs["ExpirationInDays"])) == ("30", "30")


def test_metrics_may_be_written_to_the_prometheus_workspace_that_was_named_and_to_no_other(
    stack: Stack,
) -> None:
    workspace = f"arn:aws:aps:us-east-1:{ACCOUNT}:workspace/ws-1"
    asked = Stack({"PrometheusWorkspaceArn": workspace}).of_type("AWS::IAM::ManagedPolicy")
    policy = asked["PrometheusPolicy"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("aps:RemoteWrite", workspace)
    assert policy["Roles"] == ["ArchiveRole", "BatchRole"]
    assert "PrometheusPolicy" not in stack.of_type("AWS::IAM::ManagedPolicy")


def test_no_lifecycle_touches_data_or_the_checkpoint() -> None:
    bucket = Stack({"ErrorsExpirationDays": "400"}).of_type("AWS::S3::Bucket")["Bucket"]
    prefixes = [rule["Prefix"] for rule in bucket["LifecycleConfiguration"]["Rules"]]
    kept = [
        "dmd/data/demand/x.avro",
        "dmd/deliveries/x.json",
        "dmd/runs/x.json",
        "checkpoints/archive/offsets/0",
    ]
    assert prefixes
    assert not [key for key in kept for prefix in prefixes if key.startswith(prefix)]


@pytest.mark.parametrize(("days", "expires"), [("0", False), ("400", True)])
def test_errors_expire_only_where_that_is_asked_for(days: str, expires: bool) -> None:
    bucket = Stack({"ErrorsExpirationDays": days}).of_type("AWS::S3::Bucket")["Bucket"]
    prefixes = [rule["Prefix"] for rule in bucket["LifecycleConfiguration"]["Rules"]]
    assert ("dmd/errors/" in prefixes) is expires


@pytest.mark.parametrize(
    ("principal", "denied"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/ArchiveRole", False),
        (f"arn:aws:iam::{ACCOUNT}:role/BatchRole", False),
        (f"arn:aws:iam::{ACCOUNT}:role/analysts", False),
        (f"arn:aws:iam::{ACCOUNT}:role/administrators", True),
        (f"arn:aws:iam::{ACCOUNT}:root", True),
    ],
)
def test_personal_data_is_read_by_named_roles_only(principal: str, denied: bool) -> None:
    readers = Stack({"PersonalDataReaders": f"arn:aws:iam::{ACCOUNT}:role/analysts"})
    policy = readers.of_type("AWS::S3::BucketPolicy")["BucketPolicy"]["PolicyDocument"]
    (statement,) = (one for one in policy["Statement"] if one["Sid"] == "PersonalDataForNamedRolesOnly")
    named = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert any(fnmatchcase(principal, one) for one in named) is not denied
    keys = (
        "dmd/data/demand/x.avro",
        "dmd/errors/x.json",
        "dmd/latest/demand/x.parquet",
        "athena-results/x.csv",
    )
    for key in keys:
        assert any(fnmatchcase(f"arn:aws:s3:::dmd-prod-archive/{key}", one) for one in statement["Resource"])


@pytest.mark.parametrize(
    ("readers", "taken"),
    [
        ("", True),
        ("arn:aws:iam::1:role/a", True),
        ("arn:aws:iam::1:role/a,arn:aws:iam::1:role/b*", True),
        ("arn:aws:iam::1:role/a, arn:aws:iam::1:role/b", False),
        ("arn:aws:iam::1:role/a,", False),
    ],
)
def test_readers_are_taken_only_as_the_bucket_will_compare_them(
    stack: Stack, readers: str, taken: bool
) -> None:
    pattern = stack.template["Parameters"]["PersonalDataReaders"]["AllowedPattern"]
    assert bool(re.search(pattern, readers)) is taken


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"ExportBucketName": "exports"}, EXPORTS),
        ({"ExportBucketName": "exports", "ExportKeyArn": KEY}, {**EXPORTS, "Decrypting": KEY}),
    ],
)
def test_backfills_may_read_the_export_bucket_and_its_key(
    given: dict[str, str], expected: dict[str, str]
) -> None:
    granted = [one for policy, one in statements(Stack(given)) if policy == "ExportPolicy"]
    assert {one["Sid"]: one["Resource"] for one in granted} == expected


def test_every_policy_names_its_actions_and_resources(stack: Stack) -> None:
    for policy, statement in statements(stack):
        where = f"{policy}.{statement['Sid']}"
        assert statement["Effect"] == "Allow", where
        assert not [one for one in as_list(statement["Action"]) if "*" in one], where
        for resource in as_list(statement["Resource"]):
            account_and_name = resource.split(":", 5)[-1]
            wide = account_and_name.removesuffix("*") in ("", "/", "log-group:")
            assert wide is ((policy, statement["Sid"]) in WIDE), f"{where}: {resource}"


def test_roles_are_handed_to_emr_serverless_alone(stack: Stack) -> None:
    passed = [one for _, one in statements(stack) if "iam:PassRole" in as_list(one["Action"])]
    assert len(passed) == 2
    for one in passed:
        assert one["Condition"] == {"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}}
        assert [arn.rpartition("/")[2] for arn in one["Resource"]] == ["ArchiveRole", "BatchRole"]


def test_the_submitters_policy_allows_what_emr_submit_calls(stack: Stack) -> None:
    allowed = {
        action
        for policy, one in statements(stack)
        if policy == "SubmitterPolicy"
        for action in as_list(one["Action"])
    }
    code = "".join((ROOT / "emr" / f"{name}.py").read_text() for name in ("submit", "runs", "stack"))
    called = re.findall(r"(serverless|client|cloudformation)\.(?:get_paginator\(\"(\w+)\"|(\w+)\()", code)
    actions = {
        ("cloudformation:" if of == "cloudformation" else "emr-serverless:")
        + (page or method).title().replace("_", "")
        for of, page, method in called
        if method != "get_paginator"
    }
    assert {"emr-serverless:StartJobRun", "cloudformation:DescribeStacks"} <= actions <= allowed
    assert {"s3:GetObject", "s3:PutObject", "s3:ListBucket"} <= allowed


def test_the_submitter_may_ask_for_the_stack_by_its_name(stack: Stack) -> None:
    (asking,) = (one for _, one in statements(stack) if one["Action"] == "cloudformation:DescribeStacks")
    assert asking["Resource"] == f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/dmd-prod/*"


@pytest.mark.parametrize(
    ("role", "service", "source"),
    [
        ("ArchiveRole", "emr-serverless", "/applications/00stream"),
        ("BatchRole", "emr-serverless", "/applications/00batch"),
        ("SchedulerRole", "scheduler", "ScheduleGroup"),
    ],
)
def test_a_role_trusts_one_service_for_one_application(
    stack: Stack, role: str, service: str, source: str
) -> None:
    (trust,) = stack.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert trust["Condition"]["ArnEquals"]["aws:SourceArn"].endswith(source)


def test_what_holds_data_outlives_the_stack(stack: Stack) -> None:
    for name in ("Bucket", "Stream", "Key"):
        assert stack.resources[name]["DeletionPolicy"] == "Retain"
        assert stack.resources[name]["UpdateReplacePolicy"] == "Retain"


def test_the_work_group_decides_where_results_go_and_how_they_are_encrypted(stack: Stack) -> None:
    settings = stack.of_type("AWS::Athena::WorkGroup")["WorkGroup"]["WorkGroupConfiguration"]
    assert settings["EnforceWorkGroupConfiguration"] is True
    assert settings["ResultConfiguration"]["OutputLocation"] == "s3://dmd-prod-archive/athena-results/"
    assert settings["ResultConfiguration"]["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
