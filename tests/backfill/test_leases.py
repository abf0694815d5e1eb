"""One process at a run: a lease that is kept alive is respected, one that isn't is taken over."""

import time
from pathlib import Path

import pytest

from jobs.backfill.errors import RunUnderWay
from jobs.backfill.lease import Lease
from jobs.sinks.failures import ObjectChanged
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
