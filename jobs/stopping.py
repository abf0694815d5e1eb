"""SIGTERM and Ctrl-C end a run between two steps."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

from jobs.errors import PipelineError

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class RunInterrupted(PipelineError):
    """The run was told to end before its last step."""


class Stop:
    """Whether the run was told to end. The same signal for a second time ends the process at once."""

    def __init__(self) -> None:
        self._signal: str | None = None

    @contextmanager
    def on_signals(self) -> Iterator[Self]:
        """Listen while the block runs."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        self.listen()
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def listen(self) -> None:
        """Listen again: a starting SparkContext takes SIGINT for itself."""
        for number in _SIGNALS:
            signal.signal(number, self._stop)

    def check(self) -> None:
        """Raise ``RunInterrupted`` where the run was told to end."""
        if self._signal:
            raise RunInterrupted(
                f"ended by {self._signal} before the last step: what is archived stays so, the same command goes on"
            )

    def _stop(self, number: int, _: FrameType | None) -> None:
        self._signal = signal.Signals(number).name
        signal.signal(number, signal.SIG_DFL)
