"""What ``--from`` knows: each kind of input, and the options that belong to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jobs.backfill.events import open_events
from jobs.backfill.exports import open_export
from jobs.backfill.kinesis import open_kinesis
from jobs.backfill.options import Options
from jobs.backfill.redrive import open_errors
from jobs.backfill.steps import Input
from jobs.settings import Settings
from jobs.sinks.storage import Storage


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    ``open`` makes it, ``takes`` are fields of ``Options`` beside those of every kind, ``needs`` some of them that it can't
    do without.
    """

    open: Callable[[Options, Settings, Storage], Input]
    takes: frozenset[str]
    needs: frozenset[str] = frozenset()


_FILES = frozenset({"input", "step_bytes"})
_INPUT = frozenset({"input"})
_WINDOW = frozenset({"since", "until", "as_of", "again"})

KINDS: Mapping[str, Kind] = {
    "export": Kind(open_export, _FILES, _INPUT),
    "incremental-export": Kind(open_export, _FILES, _INPUT),
    "events": Kind(open_events, _FILES, _INPUT),
    "kinesis": Kind(open_kinesis, _WINDOW | {"catch_up"}),
    "errors": Kind(open_errors, _WINDOW | {"messages", "keys", "step_bytes"}),
}
