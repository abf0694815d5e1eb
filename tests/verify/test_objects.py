"""One object, held against what is said of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.sinks.storage import open_storage
from jobs.sinks.windows import WINDOW_BYTES, windows
from jobs.verify.objects import Contents, ObjectCheck, check_container
from transforms.scrub import REDACTED

TIME = "2026-03-01T12:00:00.000Z"


def listed(key: str, size: int) -> Any:
    """A row of an object that nobody names."""
    named = dict.fromkeys(("key", "record", "message", "events", "bytes", "sha256"))
    return SimpleNamespace(present=key, size=size, **named)


@pytest.mark.parametrize(
    "key",
    [
        "data/README.txt",
        "data/demand/partition_date=2026-03-01/a.avro.bak",
        "data/demand/another.avro",
        "data/demand/partition_date=2026-03-01/.a.avro",
        "data//a",
        "errors/README.md",
    ],
)
def test_what_is_foreign_by_its_name_is_not_read(tmp_path: Path, key: str) -> None:
    # Of what is read and isn't there any more nothing is told.
    (found,) = ObjectCheck(open_storage(str(tmp_path)), ())([listed(key, 5)])
    assert (found.key, found.bytes, [one.kind for one in found.findings]) == (key, 5, ["unnamed"])


def test_what_may_be_ours_is_read(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    storage.put("errors/a.json", b"{}")
    gone, there = ObjectCheck(storage, ())([listed("errors/gone.json", 5), listed("errors/a.json", 2)])
    assert gone.findings == []
    assert [one.kind for one in there.findings] == ["unnamed", "unreadable"]


def test_what_nobody_names_is_held_in_memory_by_the_size_that_was_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [listed(f"errors/{number}.json", WINDOW_BYTES // 2 + 1) for number in range(3)]
    taken: list[int] = []

    def counted(*arguments: Any) -> Any:
        for window in windows(*arguments):
            taken.append(len(window))
            yield window

    monkeypatch.setattr("jobs.verify.objects.windows", counted)
    assert len(list(ObjectCheck(open_storage(str(tmp_path)), ())(rows))) == len(rows)
    assert taken == [1, 1, 1]


DEMAND = {"type": "demand", "date": {"requested": "2026-03-01T10:00:00Z"}}
EVENT = {"type": "event", "date": {"firstSeen": "2026-03-01"}}
STARTS = {"type": "event", "eventDate": {"start": {"dateTime": "2026-03-05T20:00:00+02:00"}}}
SALE = {"type": "sale", "saleStartDateTime": "2026-03-07T09:00:00.5Z"}
NOTIFICATION = {"type": "notification", "date": {"created": "2026-03-09T00:00:00-01:00"}}


@pytest.mark.parametrize(
    ("record", "place", "is_there"),
    [
        (DEMAND, ("demand", "2026-03-01"), True),
        (DEMAND, ("demand", "2026-03-02"), False),
        (DEMAND, ("sale", "2026-03-01"), False),
        # The UTC date counts, whichever the offset shows.
        ({**DEMAND, "date": {"requested": "2026-03-01T23:30:00-01:00"}}, ("demand", "2026-03-02"), True),
        ({**DEMAND, "date": {"requested": "2026-03-01T23:30:00-01:00"}}, ("demand", "2026-03-01"), False),
        ({**DEMAND, "date": {"requested": "2026-03-01T00:30:00+01:00"}}, ("demand", "2026-02-28"), True),
        ({**DEMAND, "date": {"requested": "2026-03-01T00:30:00+01:00"}}, ("demand", "2026-03-01"), False),
        ({**DEMAND, "date": {"requested": "2026-03-01T00:30:00"}}, ("demand", "2026-03-01"), True),
        (EVENT, ("event", "2026-03-01"), True),
        (STARTS, ("event", "2026-03-05"), True),
        ({**STARTS, **EVENT}, ("event", "2026-03-01"), True),
        ({**STARTS, **EVENT}, ("event", "2026-03-05"), False),
        (SALE, ("sale", "2026-03-07"), True),
        (NOTIFICATION, ("notification", "2026-03-09"), True),
        # Without a date it is the batch's.
        ({"type": "event", "date": None, "eventDate": {"start": None}}, ("event", TIME[:10]), True),
        ({"type": "sale", "saleStartDateTime": None}, ("sale", TIME[:10]), True),
        ({"type": "notification", "date": {"created": None}}, ("notification", TIME[:10]), True),
        ({"type": "notification", "date": None}, ("notification", "2026-03-02"), False),
    ],
)
def test_a_record_belongs_where_its_type_and_date_say(
    record: dict[str, Any], place: tuple[str, str], is_there: bool
) -> None:
    assert check_container([record], place, TIME, ()) == Contents(1, misplaced=int(not is_there))


@pytest.mark.parametrize(
    ("attributes", "is_exposed"),
    [
        ({"isDeleted": True, "phoneNumber": "+15550100"}, True),
        ({"isDeleted": True, "email": "fan@example.com"}, True),
        ({"isDeleted": True, "messageBody": "hello"}, True),
        ({"isDeleted": True, "nickName": "N"}, True),
        ({"isDeleted": True, "phoneNumber": ""}, True),
        ({"isDeleted": True, "phoneNumber": REDACTED, "email": None}, False),
        ({"isDeleted": True, "other": "x"}, False),
        ({"isDeleted": False, "phoneNumber": "+15550100"}, False),
        ({"phoneNumber": "+15550100", "change": {"name": "MODIFY"}}, False),
        # Made of a removal, whatever it is marked as (BR-004).
        ({"email": "fan@example.com", "change": {"name": "REMOVE"}}, True),
        ({"isDeleted": False, "email": "fan@example.com", "change": {"name": "REMOVE"}}, True),
        ({"email": REDACTED, "change": {"name": "REMOVE"}}, False),
    ],
)
def test_what_is_deleted_holds_no_personal_data(attributes: dict[str, Any], is_exposed: bool) -> None:
    found = check_container([{**DEMAND, **attributes}], ("demand", "2026-03-01"), TIME, ("nickName",))
    assert found == Contents(1, personal=int(is_exposed))
