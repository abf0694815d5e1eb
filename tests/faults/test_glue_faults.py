"""The job on a failing Glue: data goes on, partitions arrive later, also after a restart."""

import json
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from jobs.demo.emulator import Emulator
from jobs.demo.generator import Change, events
from tests.faults.conftest import OnS3
from tests.faults.kills import killed
from tests.faults.long import SECONDS
from tests.faults.proxy import Proxy, Request, Rule, refused, reset
from tests.jobs.archived import Archived
from tests.jobs.job import Finished
from tests.jobs.ledger import Entry

DATABASE, DAYS = "dmd_glue_faults", 101
GLUE = "Table|Database|Partition"


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """Batches while Glue is down, a kill, batches while it fails in passing ways, and the end."""

    ledger: list[Entry]
    down: Finished
    restarted: Finished
    after_restart: set[tuple[str, str]]
    rules: dict[str, Rule]
    asked: list[Request]
    archive: Archived
    at_restart: Archived
    registered: set[tuple[str, str]]


class _Glue(Rule):
    """A rule for whatever is asked of Glue."""

    def fires(self, request: Request) -> bool:
        return bool(re.search(GLUE, request.target)) and super().fires(request)


def passing() -> dict[str, Rule]:
    """Every way to fail and recover."""
    return {
        "throttled": Rule(refused(400, "ThrottlingException"), target="BatchCreatePartition"),
        "concurrent modification": Rule(refused(400, "ConcurrentModificationException"), target="BatchCreatePartition"),
        "internal error": Rule(refused(500, "InternalServiceException"), target="BatchCreatePartition"),
    }  # fmt: skip


def of_many_days() -> list[Change]:
    """Sales that begin on 101 different days."""
    sale = next(each for each in events(141, 500, bad_share=0) if each.kind == "insert sale")
    event = json.loads(sale.data)
    days = [date(2025, 1, 1) + timedelta(days=number) for number in range(DAYS)]
    changes = []
    for day in days:
        event["dynamodb"]["NewImage"]["saleStartDateTime"] = {"S": f"{day}T12:00:00Z"}
        changes.append(Change(sale.partition_key, json.dumps(event).encode(), sale.kind))
    return changes


@pytest.fixture(scope="module")
def story(aws: Emulator, proxy: Proxy, on_s3: Callable[..., OnS3]) -> Story:
    source, archiving, archived = on_s3(2, "p/", database=DATABASE)
    proxy.rules = [_Glue(reset, times=None)]
    source.publish_some(seed=142, count=40)
    with archiving.started("--set", "catalog.retry_attempts=2") as running:
        running.wait_for(lambda: len(running.batches()) >= 1)
        source.publish(of_many_days())
        running.wait_for(lambda: read(archived()) == len(source.ledger) and len(running.batches()) >= 2)
        down = killed(running)
    proxy.rules = []
    at_restart = archived()
    with archiving.started() as running:
        # Nothing new is on the stream: what was pending arrives all the same.
        running.wait_for(lambda: registered(aws) >= partitions(at_restart))
        after_restart = registered(aws)
        rules = passing()
        proxy.requests.clear()
        proxy.rules = list(rules.values())
        source.publish_some(seed=143, count=30)
        running.wait_for(lambda: read(archived()) == len(source.ledger))
        asked = [each for _, each in proxy.requests if each.target == "BatchCreatePartition"]
        restarted = running.end(signal.SIGTERM)
    proxy.rules = []
    return Story(
        source.ledger, down, restarted, after_restart, rules, asked, archived(), at_restart, registered(aws)
    )


def read(archive: Archived) -> int:
    return sum(record["counts"]["read"] for record in archive.records)


def registered(aws: Emulator) -> set[tuple[str, str]]:
    """What Glue has."""
    glue = aws.client("glue")
    found: set[tuple[str, str]] = set()
    for type_ in ("demand", "notification", "event", "sale"):
        try:
            pages = list(
                glue.get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=type_)
            )
        except glue.exceptions.EntityNotFoundException:
            continue
        found |= {(type_, each["Values"][0]) for page in pages for each in page["Partitions"]}
    return found


def partitions(archive: Archived) -> set[tuple[str, str]]:
    """What the delivery records name."""
    return {(one["type"], one["partitionDate"]) for record in archive.records for one in record["deliveries"]}


def test_data_goes_on_while_glue_is_down_and_what_is_pending_is_said(story: Story) -> None:
    assert read(story.at_restart) == 40 + DAYS
    assert story.down.batches[-1]["pendingPartitions"] == len(partitions(story.at_restart)) > DAYS
    assert any(line["event"] == "catalog.pending" for line in story.down.lines)
    newest = story.at_restart.records[-1]
    assert len(newest["pendingPartitions"]) == len(partitions(story.at_restart))


def test_what_was_pending_when_the_job_was_killed_arrives_with_the_restart(story: Story) -> None:
    assert story.after_restart == partitions(story.at_restart)


@pytest.mark.parametrize("fault", passing())
def test_what_passes_is_outlived(story: Story, fault: str) -> None:
    story.restarted.succeeded()
    assert story.rules[fault].fired == story.rules[fault].times


def test_it_is_outlived_within_the_batch(story: Story) -> None:
    """The first call of the batch, made again until it passes; nothing is left for the next batch."""
    times = sum(rule.fired for rule in story.rules.values())
    assert [each.body for each in story.asked[: times + 2]].count(story.asked[0].body) == times + 1
    assert [line for line in story.restarted.lines if line["event"] == "catalog.pending"] == []
    assert {line["pendingPartitions"] for line in story.restarted.batches} == {0}


def test_in_the_end_the_catalog_has_every_partition_and_the_archive_every_event(story: Story) -> None:
    assert story.registered == partitions(story.archive)
    story.archive.holds(story.ledger)
