"""A batch and the names that follow from it (BR-015)."""

import json
import uuid
from dataclasses import dataclass

NAMESPACE = uuid.UUID("6f2b1c0e-7d0a-5b43-9d54-3f0c8a1e2b90")


@dataclass(frozen=True)
class Batch:
    """One micro-batch of the stream, or one step of a backfill.

    ``kind`` is "stream", "backfill" or "redrive", ``query_id`` the streaming query's or the run's id, and
    ``timestamp`` the batch's time as ``2026-03-01T12:34:56.789Z``, the same when the batch is replayed.
    """

    kind: str
    query_id: str
    batch_id: int
    timestamp: str

    def name(self, *parts: str) -> str:
        """``{timestamp}-{uuid}`` of BR-015: the same for the same batch and parts, whenever it is asked.

        The parts are joined as a JSON list, so no two lists of parts give one name.

        >>> Batch("stream", "q", 0, "2026-03-01T12:34:56.789Z").name("delivery")
        '2026-03-01T12-34-56.789Z-1bdb1dd2-0ac5-50b0-ba93-aba071a9d7a5'
        """
        seed = json.dumps([self.query_id, self.batch_id, *parts], ensure_ascii=False, separators=(",", ":"))
        return f"{self.timestamp.replace(':', '-')}-{uuid.uuid5(NAMESPACE, seed)}"
