"""The command line of a backfill, as the inputs see it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What was asked for; an option that doesn't belong to the kind has its default.

    ``since``, ``until`` and ``as_of`` are as they were given: an ISO-8601 instant or, the first two, relative (``-14h``).
    """

    kind: str
    input: str | None = None
    step_bytes: int = 1 << 30
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    catch_up: bool = False
    again: bool = False
    messages: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    new_run: bool = False
    dry_run: bool = False
    max_error_rate: float | None = None
