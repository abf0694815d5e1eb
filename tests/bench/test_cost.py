"""The page on cost holds what the formulas give."""

from pathlib import Path

import pytest

from bench.cost import VOLUMES, lambda_worker, lines, permanent, scheduled, stream

PAGE = (Path(__file__).parents[2] / "bench" / "COST.md").read_text()


def test_the_page_s_table_is_what_the_formulas_give() -> None:
    assert "\n".join(lines()) in PAGE


def test_at_low_volume_a_lambda_is_cheaper_than_a_permanent_stream_and_runs_once_a_day_cheaper_still() -> (
    None
):
    low = VOLUMES[0]
    assert scheduled(low, runs=1) < lambda_worker(low) < scheduled(low) < permanent(low)


def test_where_the_archive_must_be_minutes_old_a_lambda_is_cheaper_up_to_a_billion_a_day() -> None:
    assert all(lambda_worker(volume) < permanent(volume) for volume in (*VOLUMES, 1_000_000_000))
    assert lambda_worker(1_500_000_000) > permanent(1_500_000_000)


def test_hourly_runs_are_cheaper_than_a_lambda_from_some_sixty_million_a_day_on() -> None:
    assert lambda_worker(60_000_000) < scheduled(60_000_000)
    assert lambda_worker(70_000_000) > scheduled(70_000_000)


def test_calls_of_the_catalog_are_cents() -> None:
    assert stream(0) == pytest.approx(30.4 * 24 * 0.04, abs=0.05)


def test_containers_are_paid_by_the_batch_not_by_the_record() -> None:
    assert permanent(VOLUMES[0]) == permanent(VOLUMES[1])
    assert permanent(VOLUMES[0], trigger_seconds=1) > permanent(VOLUMES[0]) + 100
