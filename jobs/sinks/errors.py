"""Archive errors (BR-014, BR-017): one JSON object on one line for a message's change events."""

import json
from dataclasses import dataclass

from jobs.batch import Batch
from jobs.sinks.codecs import Buffer
from jobs.sinks.names import error_key


@dataclass(frozen=True)
class ErrorLayout:
    """Error objects of one message; bodies are ``,`` followed by a change event's JSON string literal."""

    batch: Batch
    message: str
    tail = b"]}\n"

    def key(self, roll: int) -> str:
        """``errors/{timestamp}-{uuid}.json``."""
        return error_key(self.batch, self.message, roll)

    def head(self, roll: int) -> bytes:
        """``{"timestamp":…,"error":{"message":…},"events":[``."""
        outside = {"timestamp": self.batch.timestamp, "error": {"message": self.message}, "events": []}
        text = json.dumps(outside, ensure_ascii=False, separators=(",", ":"))
        return text.removesuffix("]}").encode()

    def packed(self, block: Buffer) -> Buffer:
        """The events as they are: errors are stored uncompressed, for people to read."""
        return block

    def framed(self, roll: int, first: bool, count: int, packed: Buffer) -> list[Buffer]:
        """The events, without the comma before the first one."""
        return [memoryview(packed)[1:] if first else packed]
