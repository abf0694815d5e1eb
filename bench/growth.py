"""Whether speed and memory stay as they are when a batch grows: stream path and backfill, at one size and at twelve and a half times of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.apart import Alone, measure_alone
from bench.corpus import Corpus, Recipe, corpus
from bench.rows import BACKFILL, JOB
from jobs.demo.table import table

FACTOR = 12.5  # 400,000 to 5,000,000
ROWS = (JOB, BACKFILL)


@dataclass(frozen=True)
class Measured:
    """One row of the benchmark, alone, at one size."""

    row: str
    made: Corpus
    alone: Alone

    @property
    def speed(self) -> float:
        """Change events per second, warm."""
        return self.made.events / median(each.seconds for each in self.alone.passes.warm)

    @property
    def memory(self) -> int:
        """The most bytes that all processes held; 0 where nobody can tell."""
        return sum(self.alone.peaks.values())


def measure_growth(
    recipe: Recipe, rows: Sequence[str], cores: int, rounds: int, cache: Path, say: Callable[[str], None]
) -> list[tuple[Measured, Measured]]:
    """Each row at both sizes, in a local session as users have it. Raises PipelineError."""
    sizes = [
        corpus(cache, replace(recipe, count=count), say)
        for count in (recipe.count, round(recipe.count * FACTOR))
    ]

    def measured(row: str, made: Corpus) -> Measured:
        one = Measured(row, made, measure_alone(made, cores, rounds, cache, {}, row))
        say(f"{row}, {made.events:,} change events: {one.speed:,.0f} records/s")
        return one

    small, large = sizes
    return [(measured(row, small), measured(row, large)) for row in rows]


def growth_report(measured: list[tuple[Measured, Measured]]) -> dict[str, Any]:
    """The figures as they are written as JSON; both ratios are of the larger size to the smaller one."""
    return {
        "growth": [
            {
                "row": small.row,
                "sizes": [_figures(small), _figures(large)],
                "speedRatio": large.speed / small.speed,
                "memoryRatio": large.memory / small.memory if small.memory else None,
            }
            for small, large in measured
        ]
    }


def _figures(one: Measured) -> dict[str, Any]:
    return {
        "events": one.made.events,
        "recordsPerSecond": one.speed,
        "peakMemoryBytes": dict(one.alone.peaks),
    }


def growth_lines(report: Mapping[str, Any]) -> Iterable[str]:
    """The figures as a person reads them."""
    head = ["", "change events", "records/s", "peak memory, GB"]
    yield from table(head, [_cells(row["row"], size) for row in report["growth"] for size in row["sizes"]])
    yield ""
    yield "warm; the larger to the smaller, the memory of all processes:"
    for row in report["growth"]:
        ratio = row["memoryRatio"]
        told = "?" if ratio is None else f"{ratio:.2f}"
        yield f"{row['row']}: records/s {row['speedRatio']:.2f}, peak memory {told}"


def _cells(row: str, size: Mapping[str, Any]) -> Sequence[str]:
    memory = ", ".join(f"{kind} {held / 1e9:.2f}" for kind, held in sorted(size["peakMemoryBytes"].items()))
    return [row, f"{size['events']:,}", f"{size['recordsPerSecond']:,.0f}", memory or "?"]
