"""Whether an archive holds exactly what some payloads must become, by the oracle and as multisets."""

import base64
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.jobs.archived import Archived
from tests.oracle import Archived as Record
from tests.oracle import judge
from tests.oracle.messages import message


def archive_in(directory: Path) -> Archived:
    """An archive in a local directory."""
    return Archived.in_directory(directory)


def holds_exactly(archived: Archived, payloads: Iterable[bytes], times: int = 1) -> None:
    """Fail unless the archive is sound and holds each payload so many times, as a record or inside an archive error."""
    archived.is_sound()
    runs = {record["queryId"]: record["timestamp"] for record in archived.records}
    assert len(runs) == times
    due = sum((_due(list(payloads), time) for time in runs.values()), Counter[str]())
    found = Counter(_found(archived))
    assert found - due == Counter()
    assert due - found == Counter()


def _due(payloads: list[bytes], time: str) -> Counter[str]:
    due: Counter[str] = Counter()
    for data in payloads:
        verdict = judge(data, None, time)
        if isinstance(verdict, Record):
            due[_told(verdict.type, verdict.partition_date, verdict.record)] += 1
        else:
            text = base64.b64encode(data).decode() if verdict.reason == "not UTF-8" else data.decode()
            due[_told(time, message(verdict), _without_format(text))] += 1
    return due


def _found(archived: Archived) -> Iterable[str]:
    for record in archived.records:
        for one in record["deliveries"]:
            for row in archived.rows(archived.key(one)):
                yield _told(one["type"], one["partitionDate"], row)
        for one in record["errors"]:
            for event in json.loads(archived.objects[archived.key(one)])["events"]:
                yield _told(record["timestamp"], one["message"], _without_format(event))


def _told(*what: Any) -> str:
    return json.dumps(what, sort_keys=True)


def _without_format(event: str) -> Any:
    """The event without what makes no difference: an item's envelope has members that the test's hasn't."""
    try:
        content = json.loads(event)
    except ValueError:
        return event
    if isinstance(content, dict) and isinstance(content.get("dynamodb"), dict):
        for name in ("Metadata", "Keys"):
            content["dynamodb"].pop(name, None)
    return content
