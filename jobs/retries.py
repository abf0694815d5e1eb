"""Calls to a service that fail in passing: made again, within a bound, after growing, jittered pauses."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 20.0


def insisting(call: Callable[[], T], attempts: int, may_pass: Callable[[Exception], bool]) -> T:
    """What the call returns, after as many attempts as it takes; the last failure where all fail.

    Only what may pass is tried again, after pauses that grow from half a second to twenty and are shortened at random by up
    to a half. Raises what the call raises. botocore's own retries would end sooner than they are told to: each client has a
    store of them, which only success refills.
    """
    for attempt in range(1, attempts):
        try:
            return call()
        except Exception as error:
            if not may_pass(error):
                raise
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1))
        time.sleep(random.uniform(longest / 2, longest))
    return call()
