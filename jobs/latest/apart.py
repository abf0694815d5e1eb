"""Parts of a pass that don't need each other: one that fails keeps none of the others from being done."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from jobs.errors import PipelineError
from jobs.lease import RunUnderWay
from jobs.spark_errors import told_in_one_line

log = structlog.get_logger()

T = TypeVar("T")


class Apart:
    """What failed of the parts that were tried."""

    def __init__(self) -> None:
        self._failures: list[Exception] = []

    def tried(self, part: str, do: Callable[[], T]) -> T | None:
        """What ``do`` returns, None where it fails. Raises ``RunUnderWay``: then none of the rest may be done either."""
        try:
            with told_in_one_line():
                return do()
        except RunUnderWay:
            raise
        except Exception as error:  # noqa: BLE001  # even a mistake of our own
            self.failed(part, error)
            return None

    def failed(self, part: str, error: Exception) -> None:
        """Keep what failed, and log it."""
        # What others' errors say may hold values.
        reason = error.message if isinstance(error, PipelineError) else type(error).__name__
        log.error("latest.failed", part=part, reason=reason)
        self._failures.append(error)

    def end(self) -> None:
        """Raise what failed first, if anything did."""
        if self._failures:
            raise self._failures[0]
