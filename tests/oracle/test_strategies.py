"""The strategies make what they say."""

import importlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.oracle import Archived, judge
from tests.oracle.examples import BATCH_TIME
from tests.oracle.strategies import broken_payloads, good_payloads, sample


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(good_payloads())
def test_good_payloads_are_archived(payload: bytes) -> None:
    assert isinstance(judge(payload, "1", BATCH_TIME), Archived)


EVERY_VERDICT = {
    "archived", "empty payload", "not UTF-8", "not JSON", "not an object", "eventName missing", "eventName unknown", "image missing",
    "image not a map", "type missing or unknown", "missing", "not a DynamoDB value", "wrong DynamoDB type", "lone surrogate",
    "not an ISO-8601 date",
}  # fmt: skip


def test_broken_payloads_reach_every_kind_of_failure() -> None:
    verdicts = [judge(payload, "1", BATCH_TIME) for payload in sample(broken_payloads, 1000, 1)]
    assert {
        "archived" if isinstance(verdict, Archived) else verdict.reason for verdict in verdicts
    } == EVERY_VERDICT


def test_a_sample_is_the_same_for_the_same_start_whatever_else_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sample(good_payloads, 50, 3)
    (tmp_path / "more_constants.py").write_text(f"SOME = {[f'constant {n}' for n in range(200)]}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("more_constants")
    assert sample(good_payloads, 50, 3) == before
    assert sample(good_payloads, 50, 4) != before
