"""The runtime roles allow every call that the jobs make, and next to nothing else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest

from jobs.demo.emulator import Emulator
from tests.emr.stack import ACCOUNT, REGION, Stack, as_list
from tests.faults.one_process import one_process
from tests.faults.proxy import Proxy, Request
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Producer

DATABASE, PUBLISHED = "dmd_permissions", 100
Call = tuple[str, str]
"""(action, the resource's ARN)."""

_S3 = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
# What the runs of this test have no occasion for, and who has.
_NOT_SEEN = {
    "ArchiveRole": {
        "s3:DeleteObject": "leftovers of a killed attempt; Spark's own files in a checkpoint on S3",
        "s3:AbortMultipartUpload": "the checkpoint on S3, which Spark writes",
        "glue:UpdateTable": "a changed schema",
        "glue:BatchUpdatePartition": "a changed schema",
    },
    "BatchRole": {
        "s3:AbortMultipartUpload": "tables of the latest state, which Spark writes",
        "glue:CreateTable": "an empty catalog",
        "glue:UpdateTable": "a changed schema",
        "glue:BatchCreatePartition": "dates that only a backfill brings",
        "glue:BatchUpdatePartition": "a changed schema",
    },
}
_BY_EMR = {
    "kms:Decrypt": "S3 and Kinesis, for the role",
    "kms:GenerateDataKey": "S3, for the role",
    "logs:CreateLogStream": "EMR Serverless",
    "logs:DescribeLogGroups": "EMR Serverless",
    "logs:DescribeLogStreams": "EMR Serverless",
    "logs:PutLogEvents": "EMR Serverless",
    "s3:GetBucketLocation": "EMR Serverless and Spark's S3 client",
}


@dataclass(frozen=True)
class Story:
    """The stack, a run of the archive job that tells its metrics, and what each role's jobs called."""

    stack: Stack
    run: Finished
    calls: Mapping[str, set[Call]]

    def granted(self, role: str) -> list[dict[str, Any]]:
        """The statements of a role's policies."""
        policies = self.stack.of_type("AWS::IAM::ManagedPolicy").values()
        return [
            each
            for one in policies
            if role in one.get("Roles", [])
            for each in one["PolicyDocument"]["Statement"]
        ]


def allowed(statements: list[dict[str, Any]], call: Call) -> bool:
    """Whether the statements of a role allow a call."""
    action, resource = call
    return any(
        action in as_list(each["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in as_list(each["Resource"]))
        for each in statements
    )


@pytest.fixture(scope="module")
def story(
    aws: Emulator,
    proxy: Proxy,
    proxied_job: Callable[..., Job],
    producer: Callable[[int], Producer],
    bucket: Callable[[], str],
) -> Story:
    source, name = producer(2), bucket()
    archiving = proxied_job(source.stream, uri=f"s3://{name}/dmd", database=DATABASE)
    # As the stack has it: the jobs may not make databases.
    aws.client("glue").create_database(DatabaseInput={"Name": DATABASE})
    source.publish_some(seed=71, count=PUBLISHED)
    with one_process(archiving) as process:
        run = process.run("--set", "metrics.enabled=true").succeeded()
        archived = calls(proxy, source.stream)
        assert process.command("backfill", "--from", "kinesis", "--since=-1h", "--again").code == 0
        assert process.command("verify", "--since", "2100-01-01").code == 0
    parameters = {"BucketName": name, "StreamName": source.stream, "DatabaseName": DATABASE}
    return Story(Stack(parameters), run, {"ArchiveRole": archived, "BatchRole": calls(proxy, source.stream)})


def calls(proxy: Proxy, stream: str) -> set[Call]:
    """What has been called through the proxy since it was last asked, as IAM names it."""
    seen = [request for _, request in proxy.requests]
    proxy.requests.clear()
    return {call for request in seen for call in named(request, stream)}


def named(request: Request, stream: str) -> list[Call]:
    """A request's action and the resources that it needs to be allowed on."""
    if not request.target:
        bucket, _, key = request.path.partition("?")[0].strip("/").partition("/")
        action = _S3[request.method] if key else "s3:ListBucket"
        return [(action, f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}")]
    if request.target in ("ListShards", "GetShardIterator", "GetRecords", "DescribeStreamSummary"):
        return [(f"kinesis:{request.target}", f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}")]
    asked = json.loads(request.body)
    database = asked.get("DatabaseName") or asked["Name"]
    resources = ["catalog", f"database/{database}"]
    table = asked.get("TableName") or asked.get("TableInput", asked).get("Name")
    if "DatabaseName" in asked:
        resources.append(f"table/{database}/{table}")
    return [(f"glue:{request.target}", f"arn:aws:glue:{REGION}:{ACCOUNT}:{one}") for one in resources]


@pytest.mark.parametrize("role", ["ArchiveRole", "BatchRole"])
def test_a_role_allows_what_its_jobs_call(story: Story, role: str) -> None:
    assert {action.partition(":")[0] for action, _ in story.calls[role]} == {"s3", "kinesis", "glue"}
    granted = story.granted(role)
    assert not {call for call in story.calls[role] if not allowed(granted, call)}


@pytest.mark.parametrize("role", ["ArchiveRole", "BatchRole"])
def test_a_role_allows_nothing_that_nobody_calls(story: Story, role: str) -> None:
    granted = {action for each in story.granted(role) for action in as_list(each["Action"])}
    called = {action for action, _ in story.calls[role]}
    assert granted - called == {*_NOT_SEEN[role], *_BY_EMR}


@pytest.mark.parametrize(
    ("role", "action", "key"),
    [
        ("ArchiveRole", "s3:DeleteObject", "dmd/deliveries/x.json"),
        ("ArchiveRole", "s3:GetObject", "dmd/latest/demand/x.parquet"),
        ("ArchiveRole", "s3:PutObject", "artifacts/0123456789abcdef/archive.py"),
        ("BatchRole", "s3:PutObject", "checkpoints/archive/offsets/0"),
        ("BatchRole", "s3:DeleteObject", "dmd/deliveries/x.json"),
        ("BatchRole", "s3:PutObject", "artifacts/0123456789abcdef/archive.py"),
        ("BatchRole", "s3:GetObject", "athena-results/x.csv"),
    ],
)
def test_a_role_reaches_no_further(story: Story, role: str, action: str, key: str) -> None:
    reached = f"arn:aws:s3:::{story.stack.values['BucketName']}/{key}"
    assert not allowed(story.granted(role), (action, reached))


def test_metrics_are_lines_of_the_log_and_take_no_call(story: Story) -> None:
    told = [line for line in story.run.lines if line["event"] == "metrics"]
    whole = [line for line in told if "RecordsRead" in line]
    assert len(whole) == len(story.run.batches) > 0
    assert sum(line["RecordsRead"][0] for line in whole) == PUBLISHED
    by_type = [line for line in told if "Type" in line]
    for name in ("RecordsArchived", "RecordsFailed"):
        assert sum(line[name][0] for line in whole) == sum(line[name][0] for line in by_type) > 0
    assert {action.partition(":")[0] for action, _ in story.calls["ArchiveRole"]} == {"s3", "kinesis", "glue"}
