"""A release that made errors of records by mistake."""

from typing import Any

BY_MISTAKE = "demand: phoneNumber is missing (BR-003)"


def phone_required(schema: dict[str, Any]) -> None:
    """The demand's schema, as if a phone number were required."""
    (phone,) = [field for field in schema["fields"] if field["name"] == "phoneNumber"]
    phone["type"] = "string"
    del phone["default"]
