"""The page on cost holds what the formulas give."""

from pathlib import Path

from bench.cost import VOLUMES, lambda_worker, lines, permanent, scheduled

PAGE = (Path(__file__).parents[2] / "bench" / "COST.md").read_text()


def test_the_page_s_table_is_what_the_formulas_give() -> None:
    assert "\n".join(lines()) in PAGE


def test_at_low_volume_a_lambda_is_cheaper_than_a_permanent_stream_and_runs_once_a_day_cheaper_still() -> (
    None
):
    low = VOLUMES[0]
    assert scheduled(low, runs=1) < lambda_worker(low) < scheduled(low) < permanent(low)


def test_containers_are_paid_by_the_batch_not_by_the_record() -> None:
    assert permanent(VOLUMES[0]) == permanent(VOLUMES[1])
    assert permanent(VOLUMES[0], trigger_seconds=1) > permanent(VOLUMES[0]) + 100
