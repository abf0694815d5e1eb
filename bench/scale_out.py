"""How the transform-and-write path scales out: the same corpus on local clusters of one and of two executors with a core each."""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from bench.corpus import Corpus
from bench.rounds import Pass, Passes, measure
from bench.rows import JOB, spark_rows
from jobs.demo.table import table
from jobs.session import find_jars, spark_session

EXECUTORS = (1, 2)
_MEGABYTES = 3072


def measure_scale_out(
    made: Corpus, rounds: int, cache: Path, say: Callable[[str], None]
) -> dict[int, Passes]:
    """Passes by the number of executors, in a process and with a driver of their own each."""
    measured = {}
    for executors in EXECUTORS:
        # Not forked: a process has one Spark, and threads that a copy of it would lack.
        alone = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, alone) as process:
            measured[executors] = process.submit(_passes, made, executors, rounds, cache).result()
        speed = made.events / median(each.seconds for each in measured[executors].warm)
        say(f"executors {executors}: {speed:,.0f} records/s")
    return measured


def scale_out_report(made: Corpus, measured: Mapping[int, Passes]) -> dict[str, Any]:
    """The figures as they are written as JSON."""
    alone = measured[EXECUTORS[0]]
    return {
        "scaleOut": [
            {
                "executors": executors,
                "recordsPerSecond": [made.events / each.seconds for each in passes.warm],
                "cpuSeconds": [each.cpu_seconds for each in passes.warm],
                "toOne": median(one.seconds for one in alone.warm)
                / median(each.seconds for each in passes.warm),
            }
            for executors, passes in measured.items()
        ]
    }


def scale_out_lines(report: Mapping[str, Any]) -> Iterable[str]:
    """The figures as a person reads them."""
    head = ["executors of one core", "min", "median", "max", "to one", "CPU s"]
    yield from table(head, [_cells(row) for row in report["scaleOut"]])
    yield ""
    yield f"{JOB}, records/s in warm rounds; the driver and Java's own threads share the cores with the executors"


def _cells(row: Mapping[str, Any]) -> Sequence[str]:
    speeds, cpu = row["recordsPerSecond"], row["cpuSeconds"]
    told = [f"{of(speeds):,.0f}" for of in (min, median, max)]
    return [str(row["executors"]), *told, f"{row['toOne']:.2f}", "?" if None in cpu else f"{median(cpu):.1f}"]


def _passes(made: Corpus, executors: int, rounds: int, cache: Path) -> Passes:
    jars = os.pathsep.join(map(str, find_jars()))
    conf = {
        "spark.master": f"local-cluster[{executors},1,{_MEGABYTES}]",
        "spark.executor.memory": f"{_MEGABYTES}m",
        "spark.executor.extraClassPath": jars,
        "spark.executor.extraJavaOptions": "-XX:+UseParallelGC -Duser.timezone=UTC",
        "spark.sql.adaptive.enabled": "false",  # as in a stream
    }
    with tempfile.TemporaryDirectory(dir=cache, prefix="archives-") as scratch:
        spark = spark_session("dmd-pipeline-scale-out", cores=executors, conf=conf)
        row = next(row for row in spark_rows(spark, made) if row.name == JOB)
        passes = measure([row], rounds, Path(scratch), _nothing, _untold)
        spark.stop()
    return passes[JOB]


def _nothing() -> None:
    """Nothing to settle: the executors' heaps can't be collected from here."""


def _untold(_what: str, _pass: Pass) -> None:
    pass
