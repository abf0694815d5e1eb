"""Runs in the archive: their ids, and what ``runs/`` holds of them (docs/archive-layout.md)."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.backfill.errors import BackfillError, RunUnfinished
from jobs.backfill.options import Options
from jobs.backfill.steps import Input
from jobs.batch import NAMESPACE
from jobs.instants import from_iso, iso, now
from jobs.lease import RunUnderWay
from jobs.sinks.failures import ObjectExists, ObjectMissing
from jobs.sinks.storage import Storage

FINISHED = ".finished.json"
"""How the key of a finished run's sums ends."""


@dataclass(frozen=True)
class Run:
    """One run: ``timestamp`` is the batch time of all its steps, the instant at which it first began."""

    id: str
    timestamp: str
    plan: Any
    begun_before: bool


def run_id(identity: Mapping[str, Any], number: int) -> str:
    """The id of the ``number``-th run, from 0, of what ``identity`` says: a UUIDv5 of both.

    >>> run_id({"from": "events"}, 0)
    'ab3bbd0d-8c3b-5308-b48a-e89b73ed1e22'
    """
    seed = json.dumps([identity, number], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return str(uuid.uuid5(NAMESPACE, seed))


def choose_run(storage: Storage, source: Input, *, new_run: bool) -> str:
    """The id of the run that this start is for: the last one begun, or where there is none or a fresh one is due another.

    Raises ``RunUnfinished`` where a fresh one was asked for and the last one hasn't finished.
    """
    begun = _begun(storage, source.identity)
    last = run_id(source.identity, begun - 1) if begun else None
    if last is None or (is_finished(storage, last) and (new_run or source.renews)):
        return run_id(source.identity, begun)
    if new_run:
        raise RunUnfinished(
            f"run {last} of this input hasn't finished: start without --new-run, which finishes it, then with it"
        )
    return last


def _begun(storage: Storage, identity: Mapping[str, Any]) -> int:
    """How many runs there are of what ``identity`` says; they are numbered without a gap, so few have to be asked for."""

    def is_begun(number: int) -> bool:
        return storage.exists(_record_key(run_id(identity, number)))

    low, high = 0, 1
    while is_begun(high - 1):
        low, high = high, high * 2
    high -= 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if is_begun(middle) else (low, middle)
    return low


def keep_run(storage: Storage, run: Run, source: Input, options: Options) -> None:
    """Write the run record at the run's first start. Raises ``RunUnderWay`` where another start was faster."""
    if run.begun_before:
        return
    record = {
        "runId": run.id,
        "timestamp": run.timestamp,
        "from": options.kind,
        "input": dict(source.identity),
        "arguments": _arguments(options),
        "plan": run.plan,
    }
    try:
        storage.put(_record_key(run.id), _line(record))
    except ObjectExists:
        raise RunUnderWay(f"run {run.id} was begun elsewhere in this moment: start again") from None


def planned_run(storage: Storage, id: str, source: Input) -> Run:
    """The run as a start now would find or make it; nothing is written."""
    return read_run(storage, id) or Run(id, iso(now()), source.plan(), begun_before=False)


def read_run(storage: Storage, id: str) -> Run | None:
    """The run with that id, None where it never began."""
    try:
        record = json.loads(storage.get(_record_key(id)))
        from_iso(record["timestamp"])
        return Run(id, record["timestamp"], record["plan"], begun_before=True)
    except ObjectMissing:
        return None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BackfillError(f"{_record_key(id)} is no run record: somebody else wrote or cut it") from error


def run_ids(storage: Storage) -> tuple[set[str], set[str]]:
    """Ids of the runs that have begun, and of those that have finished."""
    names = [key.removeprefix("runs/") for key in storage.list("runs/") if key.endswith(".json")]
    finished = {name.removesuffix(FINISHED) for name in names if name.endswith(FINISHED)}
    begun = {name.removesuffix(".json") for name in names if not name.endswith(FINISHED)}
    return begun, finished


def is_finished(storage: Storage, id: str) -> bool:
    """Whether all steps of the run are archived."""
    return storage.exists(_finished_key(id))


def finish_run(storage: Storage, id: str, totals: Mapping[str, Any]) -> None:
    """Write down that all steps are archived, and what they are together; fine if that is known already."""
    try:
        storage.put(_finished_key(id), _line({"runId": id, **totals}))
    except ObjectExists:
        pass


def lease_key(of: str) -> str:
    """Key of the lease of a run, or of what only one run at a time may be at."""
    return f"runs/{of}.lease"


def _record_key(id: str) -> str:
    return f"runs/{id}.json"


def _finished_key(id: str) -> str:
    return f"runs/{id}{FINISHED}"


def _arguments(options: Options) -> dict[str, Any]:
    asked = {
        "input": options.input,
        "since": options.since,
        "until": options.until,
        "asOf": options.as_of,
        "catchUp": options.catch_up or None,
        "again": options.again or None,
        "messages": list(options.messages) or None,
        "keys": list(options.keys) or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _line(content: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n".encode()
