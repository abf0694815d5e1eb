"""The messages of archive errors: stable and few, they name type, field and rule, never a value (BR-017)."""

from enum import StrEnum

from schemas import RECORD_TYPES


class Message(StrEnum):
    """Why a change event could not be archived, where that doesn't depend on the record type.

    >>> str(Message.NOT_JSON)
    'the payload is not one JSON object'
    """

    EMPTY = "the payload is empty"
    NOT_UTF8 = "the payload is not UTF-8; the event is held as base64"
    NOT_JSON = "the payload is not one JSON object"
    EVENT_NAME = "eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)"
    NEW_IMAGE = "dynamodb.NewImage is missing or not a map (BR-001)"
    OLD_IMAGE = "dynamodb.OldImage is missing or not a map (BR-001)"
    EVENT_ID = "eventID is not a string of Unicode characters (BR-020)"
    TYPE = f"type is missing or not one of {', '.join(RECORD_TYPES)} (BR-002)"


def missing(record_type: str, path: str) -> str:
    """A required attribute isn't there.

    >>> missing("sale", "id")
    'sale: id is missing (BR-003)'
    """
    return f"{record_type}: {path} is missing (BR-003)"


def wrong_value(record_type: str, path: str, tags: tuple[str, ...], kind: str) -> str:
    """An attribute is there, but is not a DynamoDB value that its Avro type can be made from.

    >>> wrong_value("sale", "id", ("S",), "string")
    'sale: id is not a DynamoDB S that fits Avro string (BR-003)'
    """
    return f"{record_type}: {path} is not a DynamoDB {' or '.join(tags)} that fits Avro {kind} (BR-003)"


def malformed_date(record_type: str, path: str, rule: str) -> str:
    """The attribute that the partition date is made from isn't an ISO-8601 date.

    >>> malformed_date("demand", "date.requested", "BR-008")
    'demand: date.requested is not an ISO-8601 date (BR-008)'
    """
    return f"{record_type}: {path} is not an ISO-8601 date ({rule})"
