"""The strategies make what they say."""

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
    # What Hypothesis draws for a seed depends on the modules that are loaded, so the rarest kind may take a few samples.
    reached: set[str] = set()
    for start in range(1, 9):
        verdicts = [judge(payload, "1", BATCH_TIME) for payload in sample(broken_payloads(), 500, start)]
        reached |= {"archived" if isinstance(verdict, Archived) else verdict.reason for verdict in verdicts}
        if reached == EVERY_VERDICT:
            break
    assert reached == EVERY_VERDICT


def test_a_sample_is_the_same_for_the_same_start() -> None:
    assert sample(good_payloads(), 20, 3) == sample(good_payloads(), 20, 3)
