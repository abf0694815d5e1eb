"""How far a run is: a bar on a terminal, log lines elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

import structlog

log = structlog.get_logger()

_WIDTH = 24


@dataclass
class Progress:
    """Counts the files, of ``total`` where that is known, and the change events of the steps that are done.

    Rate and time left follow from what this start of the run read; what an earlier one archived is ``passed``.
    """

    to: TextIO
    total: int | None
    clock: Callable[[], float] = time.monotonic
    files: int = 0
    records: int = 0
    passed: int = 0
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()
        if self.to.isatty():
            self._draw()

    def step(self, files: int, records: int, *, passed: bool) -> None:
        """A step is done."""
        self.files += files
        if passed:
            self.passed += files
            self._began = self.clock()
        else:
            self.records += records
        if self.to.isatty():
            self._draw()
        else:
            log.info("progress", **self._figures())

    def end(self) -> None:
        """Leave the bar's line."""
        if self.to.isatty():
            self.to.write("\n")

    @property
    def rate(self) -> float:
        """Change events a second."""
        return self.records / max(self.clock() - self._began, 1e-3)

    @property
    def seconds_left(self) -> float | None:
        """By the files that are left; None where that can't be known yet."""
        done = self.files - self.passed
        if not self.total or not done:
            return None
        return (self.clock() - self._began) / done * (self.total - self.files)

    def _figures(self) -> dict[str, int | None]:
        left = self.seconds_left
        return {
            "files": self.files,
            "ofFiles": self.total,
            "records": self.records,
            "perSecond": round(self.rate),
            "secondsLeft": None if left is None else round(left),
        }

    def _draw(self) -> None:
        parts = [f"{self.records:,} records", f"{self.rate:,.0f}/s"]
        if self.total:
            filled = _WIDTH * self.files // self.total
            parts.insert(0, f"[{'#' * filled:.<{_WIDTH}}] {self.files:,} of {self.total:,} files")
        if self.seconds_left is not None:
            parts.append(f"{_told(self.seconds_left)} left")
        self.to.write(f"\r\x1b[2K{' · '.join(parts)}")
        self.to.flush()


def _told(seconds: float) -> str:
    """A time for people.

    >>> _told(42.4), _told(600), _told(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
