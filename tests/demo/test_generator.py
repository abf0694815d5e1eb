"""The made-up change events: repeatable, realistic, harmless, and of every kind."""

import hashlib
import json
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from jobs.demo.bad import BAD
from jobs.demo.generator import BENCHMARK, DEMO, Change, events
from jobs.demo.odd import HUGE, ODD
from tests.oracle import Archived, Failed, judge

BATCH_TIME = "2026-04-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def demo() -> list[Change]:
    return list(events(1, 6000))


@pytest.fixture(scope="module")
def benchmark() -> list[Change]:
    return list(events(1, 20_000, bad_share=0, mix=BENCHMARK._replace(odd=0, duplicates=0)))


def digest(changes: list[Change]) -> str:
    whole = hashlib.sha256()
    for change in changes:
        whole.update(b"\0".join([change.partition_key.encode(), change.kind.encode(), change.data]) + b"\0")
    return whole.hexdigest()


def parsed(changes: list[Change]) -> list[dict[str, Any]]:
    return [json.loads(change.data) for change in changes if not change.is_bad]


def test_a_seed_makes_the_same_bytes_on_every_python_and_platform(demo: list[Change]) -> None:
    assert digest(demo[:2000]) == "6c31d750b8cc729d89ac7ef99459b37481a58b110fd87ae65faf91cec5aa40af"


def test_another_seed_makes_others(demo: list[Change]) -> None:
    assert digest(list(events(2, 200))) != digest(list(events(1, 200)))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 77])
def test_there_are_as_many_as_asked_for(count: int) -> None:
    assert len(list(events(5, count))) == count


def test_the_demo_has_every_bad_and_every_odd_kind(demo: list[Change]) -> None:
    kinds = {change.kind for change in demo}
    assert kinds >= set(BAD) | set(ODD) | set(HUGE)
    assert kinds >= {
        f"{action} demand" for action in ("insert", "modify", "remove", "expire", "soft-delete", "duplicate")
    }


def test_bad_ones_fail_and_all_others_are_archived(demo: list[Change]) -> None:
    verdicts = {change.kind: type(judge(change.data, "1", BATCH_TIME)) for change in demo}
    expected = {change.kind: Failed if change.is_bad else Archived for change in demo}
    assert verdicts == expected


def test_none_and_only_bad_ones_can_be_asked_for() -> None:
    assert not any(change.is_bad for change in events(1, 2000, bad_share=0))
    assert all(change.is_bad for change in events(1, 2000, bad_share=1, mix=DEMO._replace(huge=0)))


def test_the_benchmarks_mix_has_the_shares_and_the_size_it_says(benchmark: list[Change]) -> None:
    count = len(benchmark)
    types, actions = (Counter(change.kind.split()[part] for change in benchmark) for part in (1, 0))
    assert {t: round(types[t] / count, 2) for t in types} == pytest.approx(
        {"demand": 0.70, "notification": 0.20, "event": 0.05, "sale": 0.05}, abs=0.011
    )
    assert actions["insert"] / count == pytest.approx(0.60, abs=0.02)
    assert (actions["modify"] + actions["soft-delete"]) / count == pytest.approx(0.30, abs=0.02)
    assert sum(len(change.data) for change in benchmark) / count == pytest.approx(1050, abs=150)


def test_all_persons_are_made_up(demo: list[Change]) -> None:
    text = "\n".join(change.data.decode(errors="replace") for change in demo)
    phones = re.findall(r"\+\d{6,}", text)
    assert len(phones) > 1000
    assert all(phone.startswith("+1555") for phone in phones)
    hosts = re.findall(r"@[\w.-]+", text)
    assert len(hosts) > 1000
    assert set(hosts) == {"@example.com"}


def test_duplicates_are_exact_copies_of_an_earlier_one(demo: list[Change]) -> None:
    payloads = Counter(change.data for change in demo)
    assert all(payloads[change.data] > 1 for change in demo if change.kind.startswith("duplicate "))


def test_changes_come_out_of_order_and_demands_late(benchmark: list[Change]) -> None:
    made = [event["dynamodb"]["ApproximateCreationDateTime"] for event in parsed(benchmark)]
    seconds = [int(str(instant)[:10]) for instant in made]
    assert any(later < earlier - 60 for earlier, later in pairwise(seconds))
    verdicts = [judge(change.data, "1", BATCH_TIME) for change in benchmark[:4000] if "demand" in change.kind]
    assert len({verdict.partition_date for verdict in verdicts if isinstance(verdict, Archived)}) > 15


def test_both_wire_shapes_and_all_time_units_occur(benchmark: list[Change]) -> None:
    found = parsed(benchmark[:500])
    assert {"recordFormat" in event for event in found} == {True, False}
    assert {"eventSourceARN" in event for event in found} == {True, False}
    assert {len(str(event["dynamodb"]["ApproximateCreationDateTime"])) for event in found} == {10, 13, 16}


def test_images_are_as_dynamodb_sends_them(benchmark: list[Change]) -> None:
    images = {"INSERT": {"NewImage"}, "MODIFY": {"NewImage", "OldImage"}, "REMOVE": {"OldImage"}}
    for event in parsed(benchmark[:3000]):
        assert {name for name in event["dynamodb"] if name.endswith("Image")} == images[event["eventName"]]


def test_a_deletion_by_time_to_live_names_dynamodb_as_the_one_who_did_it(benchmark: list[Change]) -> None:
    expired = parsed([change for change in benchmark if change.kind.startswith("expire ")])
    assert expired
    who = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    assert all(event["eventName"] == "REMOVE" and event["userIdentity"] == who for event in expired)
    others = parsed([change for change in benchmark[:3000] if not change.kind.startswith("expire ")])
    assert all(event.get("userIdentity") is None for event in others)


def test_nothing_changes_before_it_was_inserted() -> None:
    inserted: set[str] = set()
    for event in parsed(list(events(1, 4000, bad_share=0, mix=BENCHMARK._replace(delayed=0)))):
        key = json.dumps(event["dynamodb"]["Keys"])
        assert event["eventName"] == "INSERT" or key in inserted
        inserted.add(key)
