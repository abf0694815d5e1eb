"""Why the oracle refuses a change event."""


class Failure(Exception):
    """`reason` names what is wrong without any value; where it is about an attribute, `type` and `field` say which."""

    def __init__(self, reason: str, type_: str = "", field: str = "") -> None:
        super().__init__(reason, type_, field)
        self.reason, self.type, self.field = reason, type_, field

    def __str__(self) -> str:
        return " ".join(part for part in (self.type, self.field, self.reason) if part)
