"""One process at a run: a lease that is kept alive is respected, one that isn't is taken over."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from jobs.lease import BEATS_TO_WATCH, Lease, RunUnderWay
from jobs.sinks.failures import ObjectChanged, StorageUnreachable
from jobs.sinks.storage import Storage, open_storage

BEAT = 0.05


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path))


def lease(storage: Storage) -> Lease:
    return Lease(storage, "runs/a-run.lease", BEAT)


def test_a_second_start_sees_that_the_run_is_under_way(storage: Storage) -> None:
    with (
        lease(storage).held(),
        pytest.raises(RunUnderWay, match="run a-run is under way elsewhere"),
        lease(storage).held(),
    ):
        pass


def test_the_lease_is_gone_when_the_run_ends(storage: Storage) -> None:
    with lease(storage).held() as held:
        assert storage.exists(held.key)
    assert not storage.exists(held.key)


def test_the_lease_of_a_dead_process_is_taken_over(storage: Storage) -> None:
    storage.put("runs/a-run.lease", b'{"holder": "dead", "beat": 7}')
    with lease(storage).held() as held:
        time.sleep(BEAT * 6)
        held.check()


@dataclass
class Silent:
    """An archive that answers to no PUT over an object while ``silent``."""

    storage: Storage
    silent: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.storage, name)

    def replace(self, key: str, content: bytes, version: str) -> None:
        if self.silent:
            raise StorageUnreachable("no answer")
        self.storage.replace(key, content, version)


def test_a_holder_that_cant_renew_stops_before_another_takes_over(storage: Storage) -> None:
    silent = Silent(storage)
    with lease(cast("Storage", silent)).held() as held:
        held.check()
        silent.silent = True
        time.sleep(BEAT * BEATS_TO_WATCH)
        with pytest.raises(RunUnderWay, match="may have taken over"):
            held.check()


def test_an_answer_that_comes_late_lets_the_holder_go_on(storage: Storage) -> None:
    silent = Silent(storage, silent=True)
    with lease(cast("Storage", silent)).held() as held:
        time.sleep(BEAT * BEATS_TO_WATCH)
        threading.Timer(BEAT * 2, setattr, (silent, "silent", False)).start()
        held.check()


def stolen(storage: Storage, key: str) -> bytes:
    """The lease as another process writes it that takes it over."""
    content = b'{"holder": "other", "beat": 0}'
    while True:
        stored = storage.stat(key)
        assert stored is not None
        try:
            storage.replace(key, content, stored.version)
        except ObjectChanged:
            continue
        return content


def test_a_process_that_slept_through_a_takeover_notices_it(storage: Storage) -> None:
    with lease(storage).held() as held:
        content = stolen(storage, held.key)
        until = time.monotonic() + 20
        while not held.lost and time.monotonic() < until:
            time.sleep(BEAT)
        with pytest.raises(RunUnderWay):
            held.check()
    assert storage.get(held.key) == content
