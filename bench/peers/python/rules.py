"""The rules for one change event."""

import re
from collections.abc import Callable
from typing import Any

from bench.peers.python.dates import creation_micros, instant, iso_micros, iso_millis, utc_date
from bench.peers.python.image import LONE, PLANS, TYPES, Record, Refused, parsed, read, selected_image

# A record type, a partition date and the record.
Archived = tuple[str, str, Record]

_PII = ("phoneNumber", "email", "messageBody")
_parts = re.compile(r"([^.:|]+)[.:|]([^.:|]+)[.:|]([^.:|]+)").fullmatch
_DELETED, _REDACTED = ("boolean", True), ("string", "[redacted]")


def archived(data: bytes, sequence_number: str, batch_time: str) -> Archived:
    """What becomes of a payload. Raises Refused."""
    event = parsed(data)
    name: Any = event.get("eventName")
    section: Any = event.get("dynamodb")
    image = selected_image(name, section)
    type_ = _type(image)
    record = read(image, PLANS[type_])
    created = creation_micros(
        section.get("ApproximateCreationDateTime"), section.get("ApproximateCreationDateTimePrecision")
    )
    if name == "REMOVE":
        _mark_deleted(record, type_, created, batch_time)
    elif record.get("isDeleted") == ("boolean", False):
        del record["isDeleted"]
    if "isDeleted" in record:
        record.update({each: _REDACTED for each in _PII if each in record})
    _REFERENCES[type_](record, _dates(record), batch_time)
    record["change"] = _change(event.get("eventID"), name, created, sequence_number)
    return type_, _partition_date(record, type_, batch_time), record


def _type(image: Record) -> str:
    """BR-002."""
    attribute = image.get("type")
    if type(attribute) is dict and len(attribute) == 1:
        found = attribute.get("S")
        if type(found) is str and found in PLANS:
            return found
    raise Refused(f"type is missing or not one of {', '.join(TYPES)} (BR-002)")


def _mark_deleted(record: Record, type_: str, created: int | None, batch_time: str) -> None:
    """BR-004."""
    record["isDeleted"] = _DELETED
    if "date" not in record:
        record["date"] = ("dmd.EventChangeDate" if type_ == "event" else "dmd.SaleDate", {})
    _dates(record)["deleted"] = ("string", batch_time if created is None else iso_millis(created))


def _dates(record: Record) -> Record:
    """``date`` itself, whether the schema has it in a union or not."""
    date = record.get("date", {})
    dates: Record = date[1] if type(date) is tuple else date
    return dates


def _reference(record: Record, id_: str, timestamp: str) -> None:
    """BR-006."""
    record["reference"] = {"id": id_, "timestamp": timestamp}


def _of_demand(record: Record, dates: Record, batch_time: str) -> None:
    """BR-006 and BR-007."""
    user = record.get("systemUserId")
    if user and (parts := _parts(user[1])):
        system = {"id": parts[1], "databaseId": parts[2], "memberId": parts[3]}
        record["system"] = ("dmd.SystemId", system)
    id_ = f"{record['eventId']}_{record['saleId']}_{record['fanId']}"
    timestamp = dates["requested"]
    if len(dates) > 1:
        pairs = (dates.get(each, (None, None)) for each in ("triggered", "notified", "deleted"))
        texts = (dates["requested"], *(text for _, text in pairs if text is not None))
        known = [(moment, text) for text in texts if (moment := instant(text))]
        timestamp = max(known, key=lambda pair: pair[0])[1] if known else batch_time
    _reference(record, id_, timestamp)


def _of_notification(record: Record, dates: Record, batch_time: str) -> None:
    last = dates.get("deleted") or dates.get("updated")
    id_ = f"{record['eventId']}_{record['saleId']}_{record['fanId']}"
    _reference(record, id_, last[1] if last else batch_time)


def _of_event(record: Record, dates: Record, batch_time: str) -> None:
    last = dates.get("deleted") or dates.get("updated")
    _reference(record, record["id"], last[1] if last else batch_time)


def _of_sale(record: Record, dates: Record, _batch_time: str) -> None:
    last = dates.get("deleted")
    _reference(
        record, f"{record['eventId']}_{record['id']}", last[1] if last else record["saleStartDateTime"]
    )


_REFERENCES: dict[str, Callable[[Record, Record, str], None]] = {
    "demand": _of_demand,
    "notification": _of_notification,
    "event": _of_event,
    "sale": _of_sale,
}


def _change(event_id: Any, name: Any, created: int | None, sequence_number: str) -> tuple[str, Record]:
    """BR-020."""
    if event_id is LONE:
        raise Refused("eventID is not a string of Unicode characters (BR-020)")
    change = {"name": ("string", name), "sequenceNumber": ("string", sequence_number)}
    if event_id is not None:
        change["id"] = ("string", event_id)
    if created is not None:
        change["time"] = ("string", iso_micros(created))
    return "dmd.Change", change


def _partition_date(record: Record, type_: str, batch_time: str) -> str:
    """BR-008 to BR-011."""
    if type_ == "demand":
        text, source = record["date"]["requested"], "date.requested is not an ISO-8601 date (BR-008)"
    elif type_ == "notification":
        text, source = record["date"]["created"], "date.created is not an ISO-8601 date (BR-009)"
    elif type_ == "sale":
        text, source = record["saleStartDateTime"], "saleStartDateTime is not an ISO-8601 date (BR-011)"
    else:
        text, source = _of_first_seen(record, batch_time)
    date = utc_date(text)
    if date is None:
        raise Refused(f"{type_}: {source}")
    return date


def _of_first_seen(record: Record, batch_time: str) -> tuple[str, str]:
    first_seen = _dates(record).get("firstSeen")
    if first_seen:
        return first_seen[1], "date.firstSeen is not an ISO-8601 date (BR-010)"
    start = record.get("eventDate", (None, {}))[1].get("start", (None, {}))[1]
    text = start.get("dateTime", (None, batch_time))[1]
    return text, "eventDate.start.dateTime is not an ISO-8601 date (BR-010)"
