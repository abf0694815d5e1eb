"""A stream that fills while a test does something else."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.jobs.ledger import Producer


@contextmanager
def filling(source: Producer, seed: int, *, pause: float, a_call: int, calls: int) -> Iterator[None]:
    """Put change events on the stream all the time; not more calls than a slow machine can catch up with."""
    done = threading.Event()

    def fill() -> None:
        for number in range(calls):
            if done.wait(pause):
                return
            source.publish_some(seed + number, a_call)

    with ThreadPoolExecutor(1) as thread:
        filled = thread.submit(fill)
        try:
            yield
        finally:
            done.set()
        filled.result(30)
