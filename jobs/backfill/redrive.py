"""``--from errors``: archive errors once more, after a fix; what passes now is archived, what doesn't stays where it is."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from pyspark.errors import PySparkException

from jobs.backfill.error_objects import (
    ErrorObject,
    Redriven,
    Wanted,
    archived_errors,
    event_rows,
    place_of,
    redriven_by_others,
)
from jobs.backfill.options import Options
from jobs.backfill.steps import Step, Work
from jobs.backfill.windows import Window, window
from jobs.instants import from_iso, iso, now
from jobs.settings import Settings
from jobs.sinks.storage import Storage
from jobs.spark_errors import own_error

MAX_STEP_BYTES = 128 << 20
MAX_STEP_OBJECTS = 1000


@dataclass(frozen=True)
class RedriveInput:
    """The archive errors that pass all filters: any of the texts in their message, any of the patterns for their key.

    ``window`` bounds the time of their batches; ``again``: also such events as were redriven before.
    """

    storage: Storage
    window: Window
    messages: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    again: bool = False
    step_bytes: int = MAX_STEP_BYTES
    kind = "redrive"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The filters."""
        filters = {"messages": sorted(self.messages), "keys": sorted(self.keys), **self.window.as_json()}
        return {"from": "errors", **filters, "again": self.again}

    @property
    def renews(self) -> bool:
        """What was redriven is left alone: a later run takes what is left by then."""
        return not self.again

    @property
    def lease(self) -> str:
        """Two runs would take the same event for theirs, whatever their filters."""
        return "redrive"

    def plan(self) -> list[list[list[Any]]]:
        """The error objects of each step, as ``[key, message, sha256, count]``: only of them is anything to redrive."""
        since = iso(self.window.since) if self.window.since else None
        errors, redriven = archived_errors(self.storage, since)
        chosen = [
            one
            for one in errors
            if self._is_chosen(one) and (self.again or len(redriven.get(one.key, ())) < one.events)
        ]
        return [
            [[one.key, one.message, one.sha256, one.events] for one in step] for step in self._cut(chosen)
        ]

    def total(self, plan: Any) -> int:
        """How many error objects were chosen."""
        return sum(map(len, plan))

    def steps(self, work: Work) -> Iterator[Step]:
        """A step of the plan each. Reading and transforming it says what passes: only that is archived, the rest is left.

        Raises BadInput where an error object has changed.
        """
        others: Redriven = {}
        if work.plan and not self.again:
            first = min(str(key) for step in work.plan for key, *_ in step)
            others = redriven_by_others(self.storage, first.removeprefix("errors/")[:10], work.run_id)
        for number, objects in enumerate(work.plan):
            record = work.archived(number)
            if record is None:
                yield self._step(work, [_wanted(one, others) for one in objects])
            else:
                left = _left([_wanted(one, others) for one in objects], record.source["errors"])
                nothing = partial(event_rows, storage=self.storage, objects=())
                yield Step(record.source, record.counts.read, nothing, files=len(objects), left=left)

    def _step(self, work: Work, objects: Sequence[Wanted]) -> Step:
        passing, left = _tried(work, self.storage, objects)
        again = [one._replace(indices=passing[one.key]) for one in objects if one.key in passing]
        source = {"errors": passing}
        read = sum(map(len, passing.values()))
        rows = partial(event_rows, storage=self.storage, objects=again)
        return Step(source, read, rows, files=len(objects), left=left)

    def _is_chosen(self, one: ErrorObject) -> bool:
        in_message = not self.messages or any(text in one.message for text in self.messages)
        patterns = [pattern if "/" in pattern else f"errors/{pattern}" for pattern in self.keys]
        by_key = not patterns or any(fnmatchcase(one.key, pattern) for pattern in patterns)
        return in_message and by_key and self.window.holds(from_iso(one.timestamp))

    def _cut(self, errors: Sequence[ErrorObject]) -> Iterator[list[ErrorObject]]:
        step: list[ErrorObject] = []
        size = 0
        for one in errors:
            if step and (size + one.bytes > self.step_bytes or len(step) == MAX_STEP_OBJECTS):
                yield step
                step, size = [], 0
            step.append(one)
            size += one.bytes
        if step:
            yield step


def open_errors(options: Options, settings: Settings, storage: Storage) -> RedriveInput:
    """The input that the options ask for. Raises SettingsError."""
    step_bytes = min(options.step_bytes, MAX_STEP_BYTES)
    return RedriveInput(
        storage, window(options, now()), options.messages, options.keys, options.again, step_bytes
    )


def _wanted(planned: Sequence[Any], others: Redriven) -> Wanted:
    key, message, sha256, count = planned
    done = others.get(key, frozenset())
    return Wanted(key, message, sha256, [index for index in range(count) if index not in done])


def _left(objects: Sequence[Wanted], archived: Mapping[str, Sequence[int]]) -> Counter[str]:
    """By the message of their error object, the events that a step looked at and didn't archive."""
    left: Counter[str] = Counter()
    for one in objects:
        left[one.message] += len(set(one.indices).difference(archived.get(one.key, ())))
    return +left


def _tried(
    work: Work, storage: Storage, objects: Sequence[Wanted]
) -> tuple[dict[str, list[int]], Mapping[str, int]]:
    """By error object the events that pass now, in order; and by message how many don't."""
    tried = work.outcomes(event_rows(work.spark, storage, objects)).select("shardId", "message")
    try:
        rows = tried.toArrow()
    except PySparkException as error:
        raise own_error(error) or error from error
    passing: dict[str, list[int]] = {}
    left: Counter[str] = Counter()
    for text, message in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        if message is None:
            key, index = place_of(text)
            passing.setdefault(key, []).append(index)
        else:
            left[message] += 1
    return {key: sorted(indices) for key, indices in sorted(passing.items())}, left
