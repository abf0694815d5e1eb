"""A row measured alone, in a process of its own with a Spark of its own: nothing else adds to its memory."""

import multiprocessing
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import Corpus
from bench.processes import PeakMemory
from bench.rounds import Pass, Passes, measure
from bench.rows import JOB, spark_rows
from jobs.session import spark_session


@dataclass(frozen=True)
class Alone:
    """The row's passes, and the most bytes that each kind of process held (:class:`bench.processes.PeakMemory`)."""

    passes: Passes
    peaks: Mapping[str, int]


def measure_alone(
    made: Corpus,
    cores: int,
    rounds: int,
    cache: Path,
    conf: Mapping[str, str],
    row: str = JOB,
    local_dir: Path | None = None,
) -> Alone:
    """Take the row's way through the corpus once to warm up, then ``rounds`` times, with these settings of Spark.

    A local cluster leaves its executors' logs below ``local_dir``, or none.
    """
    # Not forked: a process has one Spark, and threads that a copy of it would lack.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_measure, made, cores, rounds, cache, dict(conf), row, local_dir).result()


def _measure(
    made: Corpus,
    cores: int,
    rounds: int,
    cache: Path,
    conf: Mapping[str, str],
    name: str,
    local_dir: Path | None,
) -> Alone:
    with tempfile.TemporaryDirectory(dir=cache, prefix="archives-") as scratch, PeakMemory() as memory:
        settings = {"spark.sql.adaptive.enabled": "false", **conf}  # as in a stream
        spark = spark_session("dmd-pipeline-bench", cores=cores, local_dir=local_dir, conf=settings)
        row = next(row for row in spark_rows(spark, made) if row.name == name)
        passes = measure([row], rounds, Path(scratch), _settle, _tell)
        spark.stop()
    return Alone(passes[name], memory.peaks)


def _settle() -> None:
    """Nothing: memory is measured as it is, and the heaps of a cluster can't be collected from here."""


def _tell(_what: str, _one: Pass) -> None:
    """Nothing: whoever asked tells what came of it."""
