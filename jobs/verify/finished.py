"""Runs of backfills that say that they are finished, and so how many steps have a delivery record."""

import json
from datetime import timedelta

from jobs.backfill.errors import BackfillError
from jobs.backfill.runs import FINISHED, read_run
from jobs.instants import iso
from jobs.sinks.deliveries import read_in_threads
from jobs.sinks.failures import ObjectMissing
from jobs.sinks.shapes import check_number
from jobs.sinks.storage import Storage
from jobs.verify.findings import Finding
from jobs.verify.holes import End

# A run finishes after its time, by the storage's clock.
_CLOCKS = timedelta(days=1)


def finished_runs(storage: Storage, since: str | None) -> tuple[list[End], list[Finding]]:
    """Where the runs of that day or later end, and what is wrong with their records."""
    keys = (
        key
        for key, at in storage.dated("runs/")
        if key.endswith(FINISHED) and (since is None or iso(at + _CLOCKS)[:10] >= since)
    )
    found = list(read_in_threads(lambda key: _read(storage, key, since), keys))
    ends = [one for one in found if isinstance(one, End)]
    return ends, [one for one in found if isinstance(one, Finding)]


def _read(storage: Storage, key: str, since: str | None) -> End | Finding | None:
    """None for a run of before that day, or of which nobody knows when it was."""
    id = key.removeprefix("runs/").removesuffix(FINISHED)
    try:
        steps = json.loads(storage.get(key))["steps"]
        check_number(steps)
        run = read_run(storage, id) if since and steps else None
    except ObjectMissing:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        return Finding("unreadable", key, 1, "is no record of a finished run")
    except BackfillError:
        return None
    if since and (run is None or run.timestamp[:10] < since):
        return None
    return End(id, False, -1, steps, key)
