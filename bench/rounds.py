"""Rounds: every row once through the corpus, then all again, so that a slow moment of the machine hits them alike."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.processes import cpu_seconds
from bench.rows import Row


@dataclass(frozen=True)
class Pass:
    """A row once through the corpus: wall-clock seconds, and CPU seconds of all processes, None if not known."""

    seconds: float
    cpu_seconds: float | None


@dataclass(frozen=True)
class Passes:
    """All of a row's: the cold one, in which Java warms up, and one a round."""

    cold: Pass
    warm: tuple[Pass, ...]


def measure(
    rows: Sequence[Row],
    rounds: int,
    scratch: Path,
    settle: Callable[[], None],
    say: Callable[[str, Pass], None],
) -> dict[str, Passes]:
    """Measure every row by name: a cold round, then so many warm ones, each beginning with another row.

    ``settle`` runs before each pass and isn't measured, neither are the row's check and the removal of what the pass left
    below ``scratch``. ``say`` is told of every pass.
    """
    passes: dict[str, list[Pass]] = defaultdict(list)
    for number in range(rounds + 1):
        first = number % len(rows)
        for row in (*rows[first:], *rows[:first]):
            settle()
            passes[row.name].append(one := _pass(row, scratch))
            say(f"{f'round {number} of {rounds}' if number else 'cold round'}: {row.name}", one)
    return {row.name: Passes(passes[row.name][0], tuple(passes[row.name][1:])) for row in rows}


def _pass(row: Row, scratch: Path) -> Pass:
    with tempfile.TemporaryDirectory(dir=scratch, prefix="pass-") as directory:
        cpu, start = cpu_seconds(), time.monotonic()
        row.run(Path(directory))
        seconds, now = time.monotonic() - start, cpu_seconds()
        row.check(Path(directory))
    return Pass(seconds, None if cpu is None or now is None else now - cpu)
