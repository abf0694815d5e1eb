"""Nothing that a delivery record names is skipped, whenever it comes, and nothing is done twice."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.instants import now
from jobs.latest.steps import Due
from jobs.latest.table import Done, LatestTable
from jobs.lease import RunUnderWay
from tests.latest.conftest import Followed, follow
from tests.latest.making import deliver, demand, sale


@pytest.fixture(scope="module")
def begun(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Tables that hold what one batch archived; nobody touches them."""
    made = follow(spark, tmp_path_factory.mktemp("begun"), types=("demand", "sale"), lookback_hours=24)
    deliver(made.archive, [demand(1, 1, 1), sale(1, 1)], batch=5, timestamp="2026-03-05T12:00:00.000Z")
    made.update()
    return made


@pytest.fixture
def tables(begun: Followed, tmp_path: Path) -> Followed:
    """A copy of them, and of their archive."""
    return begun.copy(tmp_path)


@pytest.fixture
def demands(tables: Followed) -> Followed:
    """The table of demands of the copy, for what other tables add nothing to."""
    return replace(tables, types=("demand",))


def test_a_batch_that_is_finished_late_is_followed_by_the_tables_that_it_has_something_for(
    tables: Followed,
) -> None:
    before = tables.versions("sale")
    deliver(tables.archive, [demand(2, 2, 2)], "another-query", 4, "2026-03-04T13:00:00.000Z")
    assert tables.update()
    tables.is_latest()
    assert tables.versions("sale") == before


def test_a_sweep_also_follows_a_batch_that_is_finished_after_the_lookback_and_what_comes_next_isnt_skipped(
    demands: Followed,
) -> None:
    deliver(demands.archive, [demand(2, 2, 2)], "another-query", 1, "2026-03-01T12:00:00.000Z")
    assert not demands.update()
    # Due also where the day's pass begins seconds early.
    demands.tables().steps.remember(now() - timedelta(hours=24, seconds=-10), swept=True)
    assert demands.update(sweep_hours=24)
    demands.is_latest()
    deliver(demands.archive, [demand(3, 3, 3)], batch=6, timestamp="2026-03-05T12:00:10.000Z")
    deliver(demands.archive, [demand(4, 4, 4)], "another-query", 2, "2026-03-01T12:00:10.000Z")
    assert demands.update()
    demands.is_latest()


def test_steps_of_a_backfill_have_one_time_and_are_all_followed(demands: Followed) -> None:
    for step in range(2):
        deliver(demands.archive, [demand(step, step, 10 + step)], "a-run", step, "2026-03-05T11:00:00.000Z")
        assert demands.update()
    demands.is_latest()


def test_nothing_new_commits_nothing(tables: Followed) -> None:
    before = tables.versions(), tables.versions("sale"), tables.versions("steps")
    assert not tables.update()
    assert (tables.versions(), tables.versions("sale"), tables.versions("steps")) == before


def test_a_pass_that_is_interrupted_before_the_tables_or_between_two_is_finished_by_the_next(
    tables: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(tables.archive, [demand(2, 2, 2), sale(2, 2)], batch=6, timestamp="2026-03-05T12:00:10.000Z")
    before = tables.versions(), tables.versions("sale"), tables.versions("steps")
    for type in ("demand", "sale"):
        interrupt_at(monkeypatch, type)
        with pytest.raises(KeyboardInterrupt):
            tables.update()
        monkeypatch.undo()
    assert tables.update()
    tables.is_latest()
    after = tables.versions(), tables.versions("sale"), tables.versions("steps")
    assert after == tuple(number + 1 for number in before), "a step was committed twice"


@pytest.mark.parametrize("allowed", [0, 1], ids=["before the step", "before a table"])
def test_who_may_have_lost_the_lease_writes_nothing_more(tables: Followed, allowed: int) -> None:
    deliver(tables.archive, [demand(2, 2, 2), sale(2, 2)], batch=6, timestamp="2026-03-05T12:00:10.000Z")
    before = tables.versions(), tables.versions("sale"), tables.versions("steps")
    answers = iter([None] * allowed)

    def check() -> None:
        if next(answers, "lost"):
            raise RunUnderWay("the lease is lost")

    with pytest.raises(RunUnderWay):
        tables.tables(check=check).update()
    demands, sales, steps = before
    assert (tables.versions(), tables.versions("sale"), tables.versions("steps")) == (
        demands,
        sales,
        steps + allowed,
    )


def interrupt_at(monkeypatch: pytest.MonkeyPatch, type: str) -> None:
    """End the next pass as it comes to that table."""
    apply = LatestTable.apply

    def interrupted(self: LatestTable, due: Due, without: Sequence[str] = ()) -> Done | None:
        if self.schema.type == type:
            raise KeyboardInterrupt
        return apply(self, due, without)

    monkeypatch.setattr(LatestTable, "apply", interrupted)


def test_delta_itself_refuses_a_step_that_a_table_has(tables: Followed) -> None:
    deliver(tables.archive, [demand(1, 9, 9)], batch=6, timestamp="2026-03-05T12:00:10.000Z")
    latest = tables.tables()
    table = latest.tables[0]
    latest.steps.plan(timedelta(hours=24))
    due = latest.steps.due("demand", table.delta)
    assert due is not None
    first, version = table.apply(due), tables.versions()
    again = table.apply(due)
    assert first is not None
    assert again is not None
    assert (first.updated, again.updated, tables.versions()) == (1, 0, version)


def test_a_table_that_got_lost_is_made_anew_and_no_other(tables: Followed) -> None:
    versions = tables.versions()
    deliver(tables.archive, [sale(2, 2)], batch=6, timestamp="2026-03-05T12:00:10.000Z")
    shutil.rmtree(tables.place / "sale")
    assert tables.update()
    tables.is_latest()
    assert tables.versions() == versions


def test_where_the_steps_got_lost_all_tables_are_made_anew(tables: Followed) -> None:
    shutil.rmtree(tables.place / "steps")
    deliver(tables.archive, [demand(1, 9, 9)], batch=6, timestamp="2026-03-05T12:00:10.000Z")
    assert tables.update()
    tables.is_latest()


def test_a_rebuild_makes_them_of_the_archive_whatever_they_hold(demands: Followed) -> None:
    demands.tables().tables[0].delta.table.delete()
    assert not demands.update()
    assert demands.state() == {}
    assert demands.update(anew=True, buckets=2)
    demands.is_latest()
    deliver(demands.archive, [demand(fan, fan, fan, event=fan) for fan in range(8)], "q", 6)
    assert demands.update(buckets=4, sweep_hours=0)
    demands.is_latest()
    assert {row["bucket"] for row in demands.state().values()} == {0, 1}


def test_a_rebuild_that_was_interrupted_goes_on(tables: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.tables().tables[1].delta.table.delete()
    interrupt_at(monkeypatch, "sale")
    with pytest.raises(KeyboardInterrupt):
        tables.update(anew=True)
    monkeypatch.undo()
    assert tables.update()
    tables.is_latest()
