"""S3 failing, call by call: what passes is outlived, what lasts ends within the bound, what can't heal ends at once."""

import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

from jobs import retries
from jobs.batch import Batch
from jobs.demo.emulator import Emulator
from jobs.sinks.blocks import Group
from jobs.sinks.failures import AccessDenied, MissingBucket, StorageError, StorageUnreachable
from jobs.sinks.results import WrittenObject
from jobs.sinks.rolling import FinishedObject
from jobs.sinks.storage import Storage, open_storage
from jobs.sinks.store import store
from tests.faults.proxy import (
    Fault,
    Proxy,
    Rule,
    proxy_of,
    refused,
    reset,
    reset_after,
    short_body,
    silent_after,
)
from tests.sinks.conftest import bucket, on_aws

__all__ = ["bucket", "on_aws"]

KEY, BODY = "errors/a.json", b"0123456789" * 100
BATCH = Batch("stream", "a-query", 7, "2026-03-01T12:34:56.789Z")
PASSING: dict[str, Fault] = {
    "503 SlowDown": refused(503, "SlowDown"),
    "500 InternalError": refused(500, "InternalError"),
    "429": refused(429, "TooManyRequests"),
    "connection reset": reset,
    "answer lost after the service did it": reset_after,
    "time-out after the service did it": silent_after(1.5),
    "answer cut short": short_body,
}
LASTING: dict[str, tuple[Fault, type[StorageError]]] = {
    "403": (refused(403, "AccessDenied"), AccessDenied),
    "bucket gone": (refused(404, "NoSuchBucket"), MissingBucket),
}


@pytest.fixture
def proxy(on_aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy_of(on_aws.url) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield running


@pytest.fixture
def s3(proxy: Proxy, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """An archive behind the proxy; pauses are short, and their number is what counts."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.02)
    storage = open_storage(f"s3://{bucket}/p", attempts=4, timeout_seconds=1)
    storage.put("errors/there.json", BODY)
    proxy.requests.clear()
    return storage


def put(storage: Storage) -> WrittenObject:
    """Store an object as a task does."""
    return store(storage, BATCH, FinishedObject(Group(None, None, "m"), 0, KEY, 1, bytearray(BODY)))


CALLS: dict[str, tuple[str, Callable[[Storage], object]]] = {
    "store": ("PUT", put),
    "get": ("GET", lambda storage: storage.get("errors/there.json") == BODY),
    "stat": ("GET", lambda storage: storage.stat("errors/there.json")),
    "exists": ("HEAD", lambda storage: storage.exists("errors/there.json")),
    "list": ("GET", lambda storage: list(storage.list("errors/"))),
    "delete": ("DELETE", lambda storage: storage.delete("errors/there.json") or True),
}


# Only these answers have a body.
EACH = [
    (fault, call)
    for fault in PASSING
    for call in CALLS
    if "cut" not in fault or call in ("get", "stat", "list")
]


@pytest.mark.parametrize(("fault", "call"), EACH)
def test_a_passing_fault_is_outlived(s3: Storage, proxy: Proxy, fault: str, call: str) -> None:
    method, act = CALLS[call]
    rule = Rule(PASSING[fault], method)
    proxy.rules = [rule]
    assert act(s3)
    assert rule.fired == 1


@pytest.mark.parametrize("fault", PASSING)
def test_an_object_is_whole_after_a_passing_fault(s3: Storage, proxy: Proxy, fault: str) -> None:
    proxy.rules = [Rule(PASSING[fault], "PUT", times=2)]
    put(s3)
    proxy.rules = []
    assert s3.get(KEY) == BODY


@pytest.mark.parametrize(
    ("fault", "call"), [(fault, call) for fault, call in EACH if "time-out" not in fault or call == "store"]
)
def test_a_fault_that_lasts_ends_in_an_error_within_the_bound(
    s3: Storage, proxy: Proxy, fault: str, call: str
) -> None:
    method, act = CALLS[call]
    rule = Rule(PASSING[fault], method, "errors", times=None)
    proxy.rules = [rule]
    with pytest.raises(StorageUnreachable, match=r"archive\.retry_attempts") as raised:
        act(s3)
    assert rule.fired == 4
    assert "\n" not in raised.value.message


@pytest.mark.parametrize("call", [call for call in CALLS if call != "exists"])
@pytest.mark.parametrize("fault", LASTING)
def test_what_cannot_heal_fails_at_once_and_says_what_to_do(
    s3: Storage, proxy: Proxy, fault: str, call: str
) -> None:
    method, act = CALLS[call]
    refusal, error = LASTING[fault]
    proxy.rules = [Rule(refusal, method, times=None)]
    with pytest.raises(error, match=r"the role needs|create it, or correct archive\.uri"):
        act(s3)
    assert len(proxy.requests) == 1


def test_pauses_grow_and_are_never_the_same(
    s3: Storage, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.5)
    random.seed(171)
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    proxy.rules = [Rule(refused(503, "SlowDown"), "PUT", times=None)]
    many = open_storage(s3.uri, attempts=10, timeout_seconds=1)
    for _ in range(5):
        with pytest.raises(StorageUnreachable):
            put(many)
    longest = [0.5, 1, 2, 4, 8, 16, 20, 20, 20]
    assert len(pauses) == 5 * len(longest)
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest * 5, strict=True))
    assert len(set(pauses)) == len(pauses)


def test_a_start_without_s3_says_so_soon(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.02)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StorageUnreachable, match="check the network and AWS_ENDPOINT_URL"):
        open_storage(f"s3://{bucket}", attempts=1000).check()
    assert os.environ["AWS_ENDPOINT_URL"].endswith(":9")
