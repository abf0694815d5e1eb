"""When a shard may be asked again: never faster than its rate, later and later while it fails."""

import random
import time
from collections import deque

_WINDOW = 1.02
_FIRST_BACKOFF = 0.25
_LONGEST_BACKOFF = 10.0


class Pace:
    """At most ``rate`` calls in any second, and full-jitter backoff after failures; times are monotonic seconds."""

    def __init__(self, rate: int) -> None:
        self._calls: deque[float] = deque(maxlen=rate)
        self._backoff_until = 0.0
        self.failures = 0

    def due(self) -> float:
        """When the next call may be made; in the past where it may be made now."""
        full = len(self._calls) == self._calls.maxlen
        return max(self._backoff_until, self._calls[0] + _WINDOW if full else 0.0)

    def called(self) -> None:
        """A call is being made now."""
        self._calls.append(time.monotonic())

    def failed(self) -> None:
        """The call failed: wait longer than the last time."""
        self.failures += 1
        longest = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2**self.failures)
        self._backoff_until = time.monotonic() + random.uniform(longest / 2, longest)

    def succeeded(self) -> None:
        """The call was answered."""
        self.failures = 0
        self._backoff_until = 0.0
