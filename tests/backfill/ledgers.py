"""Whether an archive holds each change event of a producer exactly once, whichever batches, steps and redrives did it."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.jobs.archived import Archived
from tests.oracle import Archived as Record
from tests.oracle import judge

_TIME = "2026-02-03T04:05:06.789Z"


def holds_each_once(archived: Archived, payloads: Iterable[bytes]) -> None:
    """Fail unless the archive is sound and holds each payload once: as a record, or in an error that wasn't redriven.

    A record must be what the oracle makes of a payload at the time of its batch; its sequence number is left out of the
    comparison, and so is the message of an error, which may be that of older code.
    """
    archived.is_sound()
    due: dict[str | None, list[bytes]] = {}
    failing: Counter[str] = Counter()
    for data in payloads:
        verdict = judge(data, None, _TIME)
        if isinstance(verdict, Record):
            due.setdefault(verdict.record["change"]["id"], []).append(data)
        else:
            is_binary = verdict.reason == "not UTF-8"
            failing[base64.b64encode(data).decode() if is_binary else data.decode()] += 1
    for found, time in _records(archived):
        candidates = due.get(found.record["change"]["id"], [])
        candidates.remove(next(data for data in candidates if judge(data, None, time) == found))
    assert [data for left in due.values() for data in left] == []
    assert Counter(event for events in events_of_errors(archived).values() for event in events) == failing


def events_of_errors(archived: Archived) -> dict[str, list[str]]:
    """By message the events that are in archive errors and weren't redriven."""
    redriven = {
        (key, index)
        for record in archived.records
        if record["kind"] == "redrive"
        for key, indices in record["source"]["errors"].items()
        for index in indices
    }
    events: dict[str, list[str]] = {}
    for record in archived.records:
        for one in record["errors"]:
            key = archived.key(one)
            for index, event in enumerate(json.loads(archived.objects[key])["events"]):
                if (key, index) not in redriven:
                    events.setdefault(one["message"], []).append(event)
    return events


def archivable(events: Iterable[str]) -> int:
    """How many of the events the rules make a record of."""
    return sum(isinstance(judge(event.encode(), None, _TIME), Record) for event in events)


def sequences(archived: Archived) -> Counter[str]:
    """The sequence numbers of all records that have one."""
    rows = (json.loads(row) for row in archived.all_rows().elements())
    return Counter(row["change"]["sequenceNumber"] for row in rows if row["change"]["sequenceNumber"])


def _records(archived: Archived) -> Iterator[tuple[Record, str]]:
    """Every record without its sequence number, and its batch's time."""
    for record in archived.records:
        for one in record["deliveries"]:
            for row in archived.rows(archived.key(one)):
                row["change"]["sequenceNumber"] = None
                yield Record(one["type"], one["partitionDate"], row), record["timestamp"]
