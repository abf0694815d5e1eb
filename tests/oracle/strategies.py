"""Hypothesis strategies for what the stream may bring: payloads good, odd and broken, and batches of them."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.oracle.images import events
from tests.oracle.json_text import write
from tests.oracle.mutations import mutate, mutate_text
from tests.oracle.rulebook import SCHEMAS
from tests.oracle.values import batch_times

__all__ = ["batch_times", "broken_payloads", "events", "good_payloads", "payloads", "sample"]


@st.composite
def good_payloads(draw: st.DrawFn, schemas: Path = SCHEMAS) -> bytes:
    """A change event that must be archived, written in any legal way."""
    return _written(draw, draw(events(schemas))).encode()


@st.composite
def broken_payloads(draw: st.DrawFn, schemas: Path = SCHEMAS) -> bytes:
    """A change event that was broken, or nearly: in one or two places of its structure, or in its text."""
    event = draw(events(schemas))
    if draw(st.integers(0, 2)):
        for _ in range(draw(st.integers(1, 2))):
            # What strategies choose from is in the event as it is: changed in place, it would be another for the next draw.
            event = deepcopy(event)
            mutate(draw, event)
        return _written(draw, event).encode()
    return mutate_text(draw, _written(draw, event))


def payloads(schemas: Path = SCHEMAS) -> st.SearchStrategy[bytes]:
    """Both kinds, more of the broken."""
    return st.one_of(broken_payloads(schemas), good_payloads(schemas), broken_payloads(schemas))


def sample(
    strategy: Callable[..., st.SearchStrategy[Any]], count: int, start: int, *arguments: Any
) -> list[Any]:
    """About `count` draws of `strategy(*arguments)`, for a job that is too slow to be asked about one at a time.

    The same for the same `start`, so in a process of their own: Hypothesis also draws constants that it finds in whatever
    modules of ours are loaded, which are others in every run of tests.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as drawing:
        # By name: what Hypothesis makes of a function can't be pickled.
        names = strategy.__module__, strategy.__name__
        return drawing.submit(_draws, *names, count, start, arguments).result()


def _draws(module: str, name: str, count: int, start: int, arguments: tuple[Any, ...]) -> list[Any]:
    strategy = getattr(import_module(module), name)
    drawn: list[Any] = []

    @seed(start)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy(*arguments))
    def collect(value: Any) -> None:
        drawn.append(value)

    collect()
    return drawn


def _written(draw: st.DrawFn, event: dict[str, Any]) -> str:
    space = draw(st.sampled_from(["", "", "", " ", "\n\t", "\r\n  "]))
    return write(event, ascii_only=draw(st.integers(0, 3)) == 0, space=space)
