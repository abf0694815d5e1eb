"""Whether speed and memory stay as they are when a batch grows: the job's row at one size and at twelve and a half times of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.apart import Alone, measure_alone
from bench.corpus import Corpus, Recipe, corpus
from bench.rows import JOB
from jobs.demo.table import table

FACTOR = 12.5  # 400,000 to 5,000,000


def measure_growth(
    recipe: Recipe, cores: int, rounds: int, cache: Path, say: Callable[[str], None]
) -> list[tuple[Corpus, Alone]]:
    """Both sizes, the smaller one first, in a local session as users have it. Raises PipelineError."""
    measured = []
    for count in (recipe.count, round(recipe.count * FACTOR)):
        made = corpus(cache, replace(recipe, count=count), say)
        measured.append((made, measure_alone(made, cores, rounds, cache, {})))
        say(f"{count:,} change events: {_speed(*measured[-1]):,.0f} records/s")
    return measured


def growth_report(measured: list[tuple[Corpus, Alone]]) -> dict[str, Any]:
    """The figures as they are written as JSON; both ratios are of the larger size to the smaller one."""
    small, large = measured
    memory = [sum(alone.peaks.values()) for _, alone in measured]
    return {
        "growth": [
            {
                "events": made.events,
                "recordsPerSecond": _speed(made, alone),
                "peakMemoryBytes": dict(alone.peaks),
            }
            for made, alone in measured
        ],
        "speedRatio": _speed(*large) / _speed(*small),
        "memoryRatio": memory[1] / memory[0] if memory[0] else None,
    }


def growth_lines(report: Mapping[str, Any]) -> Iterable[str]:
    """The figures as a person reads them."""
    head = ["change events", "records/s", "peak memory, GB"]
    yield from table(head, [_cells(row) for row in report["growth"]])
    yield ""
    ratio = report["memoryRatio"]
    yield (
        f"{JOB}, warm; the larger to the smaller: records/s {report['speedRatio']:.2f}, peak memory of all processes "
        f"{'?' if ratio is None else f'{ratio:.2f}'}"
    )


def _speed(made: Corpus, alone: Alone) -> float:
    return made.events / median(each.seconds for each in alone.passes.warm)


def _cells(row: Mapping[str, Any]) -> list[str]:
    memory = ", ".join(f"{kind} {size / 1e9:.2f}" for kind, size in sorted(row["peakMemoryBytes"].items()))
    return [f"{row['events']:,}", f"{row['recordsPerSecond']:,.0f}", memory or "?"]
