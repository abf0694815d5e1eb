"""How the transform-and-write path scales out: the same corpus on local clusters of one and of two executors with a core each."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.apart import measure_alone
from bench.corpus import Corpus
from bench.rounds import Passes
from bench.rows import JOB
from jobs.demo.table import table
from jobs.java import COMPILE_ALL
from jobs.session import find_jars

EXECUTORS = (1, 2)
_MEGABYTES = 3072


def measure_scale_out(
    made: Corpus, rounds: int, cache: Path, say: Callable[[str], None]
) -> dict[int, Passes]:
    """Passes by the number of executors, whose logs stay until the next call."""
    measured, clusters = {}, cache / "clusters"
    shutil.rmtree(clusters, ignore_errors=True)
    for executors in EXECUTORS:
        directory = clusters / str(executors)
        directory.mkdir(parents=True)
        alone = measure_alone(made, executors, rounds, cache, _cluster(executors), local_dir=directory)
        measured[executors] = alone.passes
        speed = made.events / median(each.seconds for each in measured[executors].warm)
        say(f"executors {executors}: {speed:,.0f} records/s")
    return measured


def scale_out_report(made: Corpus, measured: Mapping[int, Passes]) -> dict[str, Any]:
    """The figures as they are written as JSON."""
    seconds = {executors: median(each.seconds for each in of.warm) for executors, of in measured.items()}
    return {
        "scaleOut": [
            {
                "executors": executors,
                "recordsPerSecond": [made.events / each.seconds for each in passes.warm],
                "cpuSeconds": [each.cpu_seconds for each in passes.warm],
                "toOne": seconds[EXECUTORS[0]] / seconds[executors],
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


def _cluster(executors: int) -> Mapping[str, str]:
    return {
        "spark.master": f"local-cluster[{executors},1,{_MEGABYTES}]",
        "spark.executor.memory": f"{_MEGABYTES}m",
        "spark.executor.extraClassPath": os.pathsep.join(map(str, find_jars())),
        "spark.executor.extraJavaOptions": f"-XX:+UseParallelGC {COMPILE_ALL} -Duser.timezone=UTC",
    }
