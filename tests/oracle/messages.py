"""The archive error's message for each of the oracle's reasons, written down once more.

Messages are stable (BR-017): people and dashboards count by them. This table is the oracle's own copy, so a message
that changes in the job shows up as a difference.
"""

from pathlib import Path
from typing import Any

from tests.oracle.rulebook import SCHEMAS, Failed, schema_of

_ENVELOPE = {
    "empty payload": "the payload is empty",
    "not UTF-8": "the payload is not UTF-8; the event is held as base64",
    "not JSON": "the payload is not one JSON object",
    "not an object": "the payload is not one JSON object",
    "eventName missing": "eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)",
    "eventName unknown": "eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)",
    "type missing or unknown": "type is missing or not one of demand, notification, event, sale (BR-002)",
}
_DATE_RULES = {"demand": "BR-008", "notification": "BR-009", "event": "BR-010", "sale": "BR-011"}
_TAGS = {"string": "S", "boolean": "BOOL", "bytes": "B", "record": "M", "map": "M"}
_SETS = {"string": " or SS", "bytes": " or BS", "int": " or NS", "long": " or NS", "double": " or NS"}


def message(failed: Failed, schemas: Path = SCHEMAS) -> str:
    """What the archive error says."""
    where = f"{failed.type}: {failed.field}"
    if failed.reason in _ENVELOPE:
        return _ENVELOPE[failed.reason]
    if failed.reason in ("image missing", "image not a map"):
        return f"dynamodb.{failed.field} is missing or not a map (BR-001)"
    if failed.field == "eventID":
        return "eventID is not a string of Unicode characters (BR-020)"
    if failed.reason == "missing":
        return f"{where} is missing (BR-003)"
    if failed.reason == "not an ISO-8601 date":
        return f"{where} is not an ISO-8601 date ({_DATE_RULES[failed.type]})"
    return f"{where} is not a DynamoDB {_due(failed, schemas)} (BR-003)"


def _due(failed: Failed, schemas: Path) -> str:
    """Tags and Avro type that the attribute should have had."""
    fields: list[Any] = schema_of(failed.type, schemas)["fields"]
    declared: Any = None
    for name in failed.field.split("."):
        declared = next(field["type"] for field in fields if field["name"] == name)
        declared = declared[-1] if isinstance(declared, list) else declared
        fields = declared.get("fields", []) if isinstance(declared, dict) else []
    kind = str(declared["type"] if isinstance(declared, dict) else declared)
    kind = "decimal" if isinstance(declared, dict) and declared.get("logicalType") else kind
    tags = _TAGS.get(kind, "N")
    if isinstance(declared, dict) and kind == "array":
        tags = f"L{_SETS.get(declared['items'], '') if isinstance(declared['items'], str) else ''}"
    return f"{tags} that fits Avro {kind}"
