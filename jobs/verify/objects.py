"""One object of the archive, held against what its delivery record, its name and its records say."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from jobs.containers import ENDINGS, Record, records_of
from jobs.instants import from_iso
from jobs.sinks.failures import BadKey, ObjectMissing
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage, is_safe
from jobs.sinks.windows import FETCHERS, windows
from jobs.verify.findings import FINDING_DDL, Finding
from jobs.verify.listing import batch_time, partition_of
from transforms.scrub import REDACTED

# BR-008 to BR-011 once more, on purpose: an audit that asked the writer for its rules would share its mistakes.
_DATES = {
    "demand": ("date.requested",),
    "notification": ("date.created",),
    "event": ("date.firstSeen", "eventDate.start.dateTime"),
    "sale": ("saleStartDateTime",),
}
# And BR-005, for the same reason: whatever the schemas call personal besides.
_PERSONAL = frozenset({"phoneNumber", "email", "messageBody"})


class Checked(NamedTuple):
    """An object that was looked at: its size, its change events (0 where it can't be read) and what was found."""

    key: str
    bytes: int
    events: int
    findings: list[Finding]


PRESENT_DDL = "present string, size bigint"
"""An object that was listed."""
CHECKED_DDL = f"key string, bytes bigint, events bigint, findings array<struct<{FINDING_DDL}>>"


@dataclass(frozen=True)
class Contents:
    """What is in an object: change events, and how many of them are misplaced or hold personal data."""

    events: int
    misplaced: int = 0
    personal: int = 0


@dataclass(frozen=True)
class ObjectCheck:
    """Checks objects of a storage; ``pii`` names what deleted records have redacted besides what BR-005 names."""

    storage: Storage
    pii: Collection[str]

    def __call__(self, rows: Iterable[Any]) -> Iterator[Checked]:
        """Check what rows of ``PRESENT_DDL`` and ``Named``'s columns tell of, either of them null, in any order."""
        with ThreadPoolExecutor(FETCHERS) as fetchers:
            for window in windows(rows, _size):
                bodies = fetchers.map(self._fetch, window)
                for row, body in zip(window, bodies, strict=True):
                    yield self._check(row, body)

    def _fetch(self, row: Any) -> bytes | None:
        """The object's bytes; None where there is none, or where nothing would be looked at."""
        if _is_foreign(row):
            return None
        try:
            return self.storage.get(row.present or row.key)
        except (ObjectMissing, BadKey):
            return None

    def _check(self, row: Any, body: bytes | None) -> Checked:
        key = row.present or row.key
        if _is_foreign(row):
            return Checked(key, row.size, 0, list(_identity(row, key, b"")))
        if body is None:
            gone = [Finding("missing", key, row.events, f"{row.record} names it")] if row.record else []
            return Checked(key, 0, 0, gone)
        found = list(_identity(row, key, body))
        try:
            contents = self._contents(key, row.message, body)
        except Exception as error:  # noqa: BLE001  # a damaged object can make anything of its reader
            found.append(Finding("unreadable", key, 1, f"reading it failed: {type(error).__name__}"))
            return Checked(key, len(body), 0, found)
        if contents is None:
            return Checked(key, len(body), 0, found)
        found += _content_findings(row, key, contents)
        return Checked(key, len(body), contents.events, found)

    def _contents(self, key: str, message: str | None, body: bytes) -> Contents | None:
        """What is in the object; None where its name says that it is nothing of ours."""
        if (place := partition_of(key)) and (records := records_of(key, body)) is not None:
            return check_container(records, place, batch_time(key), self.pii)
        return read_errors(body, message) if _is_errors(key) else None


def _is_foreign(row: Any) -> bool:
    """Whether nobody names the object, and its name says that it is nothing of ours."""
    if row.record is not None:
        return False
    key = row.present
    return not is_safe(key) or not (_is_errors(key) or (partition_of(key) and key.endswith(ENDINGS)))


def _is_errors(key: str) -> bool:
    return key.startswith("errors/") and key.endswith(".json")


def _size(row: Any) -> int | None:
    """An object's bytes, as listed or, where it wasn't, as its delivery record says."""
    size: int | None = row.bytes if row.size is None else row.size
    return size


def check_container(
    records: Iterable[Record], place: Partition, time: str | None, pii: Collection[str]
) -> Contents:
    """Look at the records of a container of that partition.

    ``time`` is the batch's. Raises whatever their reader makes of a damaged container.
    """
    events = misplaced = personal = 0
    scrubbed = _PERSONAL.union(pii)
    for record in records:
        events += 1
        misplaced += (record["type"], _partition_date(record, time)) != place
        if _is_deleted(record):
            personal += any(record.get(name) not in (None, REDACTED) for name in scrubbed)
    return Contents(events, misplaced, personal)


def _is_deleted(record: Record) -> bool:
    """Whether it is marked as deleted, or should be (BR-004)."""
    return bool(record.get("isDeleted")) or _at(record, "change.name") == "REMOVE"


def _partition_date(record: Record, time: str | None) -> str | None:
    """BR-008 to BR-011, of a record that was archived: its date is well-formed."""
    texts = (_at(record, path) for path in _DATES[record["type"]])
    text = next((text for text in texts if text is not None), time)
    if text is None or text.endswith("Z") or len(text) == len("2026-03-01"):
        return text and text[:10]
    try:
        return from_iso(text).date().isoformat()
    except (ValueError, OverflowError):
        # Python has no year 0; what was archived of it lies in the year 1 by its offset.
        return "0001-01-01"


def _at(record: Any, path: str) -> str | None:
    for name in path.split("."):
        record = record and record.get(name)
    return record if isinstance(record, str) else None


def read_errors(body: bytes, message: str | None) -> Contents:
    """Read an error object; ``message`` is what its delivery record says, if one names it. Raises ValueError."""
    content = json.loads(body)
    events = content["events"]
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        raise ValueError("events must be texts")
    if message is not None and content["error"] != {"message": message}:
        raise ValueError("another message")
    return Contents(len(events))


def _identity(row: Any, key: str, body: bytes) -> Iterator[Finding]:
    if _is_foreign(row):
        yield Finding("unnamed", key, 1, "is foreign: no object of the archive has such a name")
    elif row.record is None:
        yield Finding(
            "unnamed", key, 1, "was left by a killed attempt, is foreign, or its delivery record was lost"
        )
    elif hashlib.sha256(body).hexdigest() != row.sha256:
        detail = f"{row.record} says {row.bytes} bytes of another SHA-256; it has {len(body)}"
        yield Finding("changed", key, 1, detail)


def _content_findings(row: Any, key: str, contents: Contents) -> Iterator[Finding]:
    if row.record is not None and contents.events != row.events:
        detail = f"{row.record} says {row.events} change events; it holds {contents.events}"
        yield Finding("count", key, abs(contents.events - row.events), detail)
    of = f"of {contents.events} records"
    if contents.misplaced:
        yield Finding("misplaced", key, contents.misplaced, f"{contents.misplaced} {of} belong elsewhere")
    if contents.personal:
        yield Finding("personal-data", key, contents.personal, f"{contents.personal} {of}")
