"""The job on a failing S3: it outlives what passes, ends in words on what lasts, and archives everything once."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults.conftest import OnS3
from tests.faults.long import SECONDS
from tests.faults.one_process import one_process
from tests.faults.proxy import Proxy, Rule, refused, reset, reset_after, short_body, silent_after
from tests.jobs.archived import Archived
from tests.jobs.checkpoints import committed
from tests.jobs.job import Finished
from tests.jobs.ledger import Entry

PREFIX, OBJECT, RECORD = "p/", "/(data|errors)/", "/deliveries/"
BOUND, TIMEOUT = 3, 2
LASTING = {
    "503 for ever": Rule(refused(503, "SlowDown"), "PUT", OBJECT, skip=3, times=None),
    "stored, but never answered": Rule(reset_after, "PUT", OBJECT, times=None),
    "no delivery record can be stored": Rule(refused(503, "SlowDown"), "PUT", RECORD, times=None),
    "403": Rule(refused(403, "AccessDenied"), "PUT", OBJECT, skip=3, times=None),
    "bucket gone": Rule(refused(404, "NoSuchBucket"), "PUT", OBJECT, skip=3, times=None),
}
SAID = {
    "503 for ever": "(SlowDown), also after bounded retries: start again when S3 has recovered, nothing is lost",
    "stored, but never answered": "also after bounded retries: check the network and AWS_ENDPOINT_URL",
    "no delivery record can be stored": "(SlowDown), also after bounded retries: start again when S3 has recovered",
    "403": "the role needs s3:PutObject, s3:GetObject, s3:ListBucket and s3:DeleteObject",
    "bucket gone": "create it, or correct archive.uri or archive.checkpoint",
}


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Failed:
    """A run on an S3 that never recovers: what it said, what it left, and how often it asked for the object."""

    run: Finished
    left: Archived
    committed: set[int]
    asked: list[int]


@dataclass(frozen=True)
class Story:
    """Runs on an S3 that doesn't recover, and one on an S3 that fails in every passing way."""

    ledger: list[Entry]
    failed: dict[str, Failed]
    rules: dict[str, Rule]
    last: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(proxy: Proxy, on_s3: Callable[..., OnS3]) -> Story:
    source, archiving, archived = on_s3(2, PREFIX)
    source.publish_some(seed=121, count=200)
    failed: dict[str, Failed] = {}
    timeout = ["--set", f"archive.timeout_seconds={TIMEOUT}"]
    with one_process(archiving) as process:
        for fault, rule in LASTING.items():
            proxy.requests.clear()
            proxy.rules = [rule]
            run = process.run("--set", f"archive.retry_attempts={BOUND}", *timeout)
            done = committed(archiving.directory / "checkpoint")
            failed[fault] = Failed(run, archived(), done, attempts(proxy))
        rules = passing()
        proxy.rules = list(rules.values())
        last = process.run(*timeout)
        proxy.rules = []
    return Story(source.ledger, failed, rules, last, archived())


def attempts(proxy: Proxy) -> list[int]:
    """How often each object was put."""
    paths = [each.path for _, each in proxy.requests if each.method == "PUT"]
    return [paths.count(path) for path in set(paths)]


def passing() -> dict[str, Rule]:
    """Every way to fail and recover, each on some requests of one run."""
    return {
        "503 SlowDown": Rule(refused(503, "SlowDown"), "PUT", OBJECT, times=2),
        "500": Rule(refused(500, "InternalError"), "PUT", OBJECT, times=2),
        "429": Rule(refused(429, "TooManyRequests"), "PUT", OBJECT, times=2),
        "reset": Rule(reset, "PUT", OBJECT, times=2),
        "timeout after the object was stored": Rule(silent_after(TIMEOUT + 1), "PUT", OBJECT, times=2),
        "answer lost": Rule(reset_after, "PUT", OBJECT, times=2),
        "short body": Rule(short_body, "GET", OBJECT, times=2),
        "record: answer lost": Rule(reset_after, "PUT", RECORD, times=2),
        "record: short body": Rule(short_body, "GET", RECORD, skip=2, times=2),
    }


@pytest.mark.parametrize("fault", LASTING)
def test_what_lasts_ends_the_job_with_one_line_that_says_what_to_do(story: Story, fault: str) -> None:
    run = story.failed[fault].run
    assert (run.code, len(run.complaints)) == (1, 1), run.err
    assert run.complaints[0].startswith("archive: ")
    assert SAID[fault] in run.complaints[0]


@pytest.mark.parametrize("fault", LASTING)
def test_nothing_of_the_failed_batch_is_counted(story: Story, fault: str) -> None:
    failed = story.failed[fault]
    assert (failed.run.batches, failed.left.records, failed.committed) == ([], [], set())


def test_what_may_pass_is_tried_up_to_the_bound_in_conf(story: Story) -> None:
    for fault in ("503 for ever", "stored, but never answered", "no delivery record can be stored"):
        assert max(story.failed[fault].asked) == BOUND


@pytest.mark.parametrize("fault", ["403", "bucket gone"])
def test_what_cannot_heal_is_tried_once(story: Story, fault: str) -> None:
    assert max(story.failed[fault].asked) == 1


@pytest.mark.parametrize("fault", passing())
def test_what_passes_is_outlived(story: Story, fault: str) -> None:
    story.last.succeeded()
    assert story.rules[fault].fired == story.rules[fault].times


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    story.archive.holds(story.ledger)
