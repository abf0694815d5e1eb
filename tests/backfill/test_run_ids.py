"""Which run a start is for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobs.backfill.errors import RunUnfinished
from jobs.backfill.options import Options
from jobs.backfill.runs import Run, choose_run, finish_run, keep_run, run_id
from jobs.sinks.storage import Storage, open_storage


@dataclass(frozen=True)
class Source:
    """An input without steps."""

    renews: bool = False
    kind: str = "backfill"
    identity: dict[str, Any] = field(default_factory=lambda: {"from": "events", "sha256": "…"})
    lease: str | None = None

    def total(self, _plan: Any) -> None:
        """Not known."""

    def plan(self) -> None:
        """Nothing."""

    def steps(self, _work: Any) -> Any:
        """None."""
        return iter(())


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path))


def begin(storage: Storage, id: str, source: Source) -> None:
    keep_run(
        storage, Run(id, "2026-03-01T12:34:56.789Z", None, begun_before=False), source, Options("events", "a")
    )


@pytest.mark.parametrize("runs", [0, 1, 2, 3, 5, 8, 13])
def test_a_new_run_comes_after_all_that_there_were(runs: int, storage: Storage) -> None:
    source = Source()
    for number in range(runs):
        id = choose_run(storage, source, new_run=bool(number))
        assert id == run_id(source.identity, number)
        begin(storage, id, source)
        finish_run(storage, id, {})
    assert choose_run(storage, source, new_run=True) == run_id(source.identity, runs)


def test_a_start_without_new_run_is_for_the_last_run(storage: Storage) -> None:
    source = Source()
    first = choose_run(storage, source, new_run=False)
    begin(storage, first, source)
    assert choose_run(storage, source, new_run=False) == first
    with pytest.raises(RunUnfinished):
        choose_run(storage, source, new_run=True)
    finish_run(storage, first, {})
    assert choose_run(storage, source, new_run=False) == first


def test_an_input_that_changes_with_the_archive_gets_a_new_run_once_the_last_is_finished(
    storage: Storage,
) -> None:
    source = Source(renews=True)
    first = choose_run(storage, source, new_run=False)
    begin(storage, first, source)
    assert choose_run(storage, source, new_run=False) == first
    finish_run(storage, first, {})
    assert choose_run(storage, source, new_run=False) == run_id(source.identity, 1)
