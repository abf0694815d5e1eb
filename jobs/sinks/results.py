"""What the write tells about every object that it stored; it travels from the tasks to the driver."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.arrow import pa
from jobs.errors import PipelineError, errors_by_name
from jobs.sinks.storage import Location

RESULT_SCHEMA: Any = pa.schema(
    [
        ("kind", pa.string()),
        ("type", pa.string()),
        ("partitionDate", pa.string()),
        ("message", pa.string()),
        ("roll", pa.int32()),
        ("count", pa.int64()),
        ("withoutSystem", pa.int64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("storageType", pa.string()),
        ("storageBucket", pa.string()),
        ("storageKey", pa.string()),
    ]
)
RESULT_DDL = (
    "kind string, type string, partitionDate string, message string, roll int, count bigint, withoutSystem bigint, "
    "bytes bigint, sha256 string, storageType string, storageBucket string, storageKey string"
)
_FAILURE = "failure"


@dataclass(frozen=True)
class WrittenObject:
    """One container (``kind`` "delivery": type and partition_date) or error object ("error": message).

    ``roll`` numbers a group's objects from 0, ``count`` is its change events, ``bytes`` its size;
    ``without_system`` of them are records that got no ``system`` from their systemUserId (BR-007).
    """

    kind: str
    type: str | None
    partition_date: str | None
    message: str | None
    roll: int
    count: int
    bytes: int
    sha256: str
    storage: Location
    without_system: int = 0

    @property
    def order(self) -> tuple[str, ...]:
        """What objects are listed by: the same order whatever task wrote them."""
        names = (self.kind, self.type or "", self.partition_date or "", self.message or "")
        return (*names, f"{self.roll:09d}")


def result_rows(objects: Iterable[WrittenObject]) -> Any:
    """A ``pyarrow.RecordBatch`` with ``RESULT_SCHEMA``, one row an object."""
    rows = [
        {
            "kind": written.kind,
            "type": written.type,
            "partitionDate": written.partition_date,
            "message": written.message,
            "roll": written.roll,
            "count": written.count,
            "withoutSystem": written.without_system,
            "bytes": written.bytes,
            "sha256": written.sha256,
            "storageType": written.storage["type"],
            "storageBucket": written.storage["bucket"],
            "storageKey": written.storage["key"],
        }
        for written in objects
    ]
    return pa.RecordBatch.from_pylist(rows, schema=RESULT_SCHEMA)


def failure_row(error: PipelineError) -> Any:
    """What stopped a task, as a ``pyarrow.RecordBatch`` likewise: its class as ``type``, and its message."""
    row = {"kind": _FAILURE, "type": type(error).__name__, "message": error.message}
    return pa.RecordBatch.from_pylist([row], schema=RESULT_SCHEMA)


def raise_failure(rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise what stopped a task, if one was stopped."""
    for row in rows:
        if row["kind"] == _FAILURE:
            raise errors_by_name()[row["type"]](row["message"])


def from_row(row: Mapping[str, Any]) -> WrittenObject:
    """The object a row of ``RESULT_SCHEMA`` tells of."""
    return WrittenObject(
        kind=row["kind"],
        type=row["type"],
        partition_date=row["partitionDate"],
        message=row["message"],
        roll=row["roll"],
        count=row["count"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        storage={"type": row["storageType"], "bucket": row["storageBucket"], "key": row["storageKey"]},
        without_system=row["withoutSystem"],
    )
