"""SIGTERM and Ctrl-C end a run between two steps."""

import signal
from types import FrameType

from jobs.backfill.errors import RunInterrupted


class Stop:
    """Whether the run was told to end. The same signal for a second time ends the process at once."""

    def __init__(self) -> None:
        self._signal: str | None = None

    def on_signals(self) -> None:
        """Listen from now on."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def check(self) -> None:
        """Raise ``RunInterrupted`` where the run was told to end."""
        if self._signal:
            raise RunInterrupted(
                f"ended by {self._signal} before the last step: what is archived stays so, the same command goes on"
            )

    def _stop(self, number: int, _: FrameType | None) -> None:
        self._signal = signal.Signals(number).name
        signal.signal(number, signal.SIG_DFL)
