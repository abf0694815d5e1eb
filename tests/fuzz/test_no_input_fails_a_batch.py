"""Whatever bytes the stream brings, the batch is archived, and every payload is in it once, as the oracle has it.

Part of the payloads come from a fresh seed, which the run says at its beginning (tests/seeds.py) and the test where it fails;
`FUZZ_SEED=7 make test ARGS=tests/fuzz` repeats a seed, and `FUZZ_PAYLOADS=100000` asks for more.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.errors import PipelineError
from tests.fuzz.strategies import fuzz_payloads
from tests.jobs.one_batch import archive_one_batch
from tests.oracle.strategies import sample

COUNT = int(os.environ.get("FUZZ_PAYLOADS", "3000"))
FRESH = int(os.environ["FUZZ_SEED"])
FAILURES = (PipelineError, PySparkException, Py4JError, AssertionError)


def test_no_payload_fails_a_batch(spark: SparkSession, tmp_path: Path) -> None:
    payloads = [data for seed in (1, FRESH) for data in sample(fuzz_payloads, COUNT // 2, seed)]
    assert len(payloads) > COUNT * 0.9
    try:
        archive_one_batch(spark, payloads, tmp_path)
    except FAILURES as error:
        found = culprit(lambda some: archive_one_batch(spark, some, tmp_path), payloads)
        pytest.fail(f"{found!r} fails its batch (FUZZ_SEED={FRESH} repeats it): {error}")


def culprit(attempt: Callable[[Sequence[bytes]], None], payloads: Sequence[bytes]) -> bytes | None:
    """A payload that fails on its own, found by halving; None where it takes several of them."""
    while len(payloads) > 1:
        halves = payloads[: len(payloads) // 2], payloads[len(payloads) // 2 :]
        failing = next((half for half in halves if _fails(attempt, half)), None)
        if failing is None:
            return None
        payloads = failing
    return payloads[0]


def _fails(attempt: Callable[[Sequence[bytes]], None], payloads: Sequence[bytes]) -> bool:
    try:
        attempt(payloads)
    except FAILURES:
        return True
    return False


def test_the_culprit_of_a_batch_is_found() -> None:
    def attempt(payloads: Sequence[bytes]) -> None:
        assert b"bad" not in payloads

    assert culprit(attempt, [*([b"good"] * 11), b"bad", b"good"]) == b"bad"
