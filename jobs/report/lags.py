"""How far behind the stream the job was, which its log tells and delivery records don't."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from jobs.errors import PipelineError
from jobs.instants import from_iso


class LogUnreadable(PipelineError):
    """A file given with ``--log`` can't be read."""


class Lag(NamedTuple):
    """How many seconds the worst shard was behind its tip after the batch of that time."""

    time: datetime
    seconds: float


def read_lags(logs: Iterable[Path], since: str | None) -> list[Lag]:
    """The lags that the job's log lines tell, in order, of batches of the day ``since`` or later.

    Lines that are no batch's are passed over, whatever wrote them. Raises ``LogUnreadable``.
    """
    found: dict[datetime, Lag] = {}
    for log in logs:
        try:
            with log.open(encoding="utf-8", errors="replace") as lines:
                found |= {lag.time: lag for lag in _lags(lines)}
        except OSError as error:
            raise LogUnreadable(f"--log {log}: can't be read: {error.strerror}") from error
    return [found[time] for time in sorted(found) if since is None or time >= from_iso(since)]


def _lags(lines: Iterable[str]) -> Iterator[Lag]:
    for line in lines:
        try:
            told = json.loads(line)
            if told["event"] == "batch" and told["lagMs"] is not None:
                yield Lag(from_iso(told["batchTime"]), float(told["lagMs"]) / 1000)
        except (KeyError, TypeError, ValueError):
            continue
