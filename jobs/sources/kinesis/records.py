"""Pages of Kinesis records as Arrow record batches, whole columns at a time."""

from collections.abc import Sequence
from typing import Any

import pyarrow.compute as pc

from jobs.arrow import pa

SPARK_SCHEMA = (
    "data binary, streamName string, shardId string, partitionKey string, "
    "sequenceNumber string, approximateArrivalTimestamp timestamp"
)
SCHEMA = pa.schema(
    [
        ("data", pa.binary()),
        ("streamName", pa.string()),
        ("shardId", pa.string()),
        ("partitionKey", pa.string()),
        ("sequenceNumber", pa.string()),
        ("approximateArrivalTimestamp", pa.timestamp("us", tz="UTC")),
    ]
)
_WIRE = pa.struct(
    [
        ("Data", pa.binary()),
        ("PartitionKey", pa.string()),
        ("SequenceNumber", pa.string()),
        ("ApproximateArrivalTimestamp", pa.float64()),
    ]
)


def to_batch(records: Sequence[dict[str, Any]], stream: str, shard: str) -> pa.RecordBatch:
    """The ``Records`` of a GetRecords answer, timestamps in epoch seconds, in the columns of ``SCHEMA``."""
    data, key, sequence, arrival = pa.array(records, type=_WIRE).flatten()
    count = len(records)
    columns = [data, pa.repeat(pa.scalar(stream), count), pa.repeat(pa.scalar(shard), count), key, sequence]
    return pa.RecordBatch.from_arrays([*columns, _microseconds(arrival)], schema=SCHEMA)


def _microseconds(seconds: pa.Array) -> pa.Array:
    # Kinesis gives milliseconds: rounding to them undoes what the float of the wire format did.
    millis = pc.cast(pc.round(pc.multiply(seconds, 1000.0)), pa.int64())
    return pc.cast(pc.multiply(millis, 1000), SCHEMA.field("approximateArrivalTimestamp").type)


def rows_within(batch: pa.RecordBatch, max_bytes: int) -> int:
    """How many of the first rows hold at most ``max_bytes`` of data; at least one."""
    total = pc.cumulative_sum(pc.cast(pc.binary_length(batch.column("data")), pa.int64()))
    return max(1, pc.sum(pc.less_equal(total, max_bytes)).as_py() or 0)


def data_bytes(batch: pa.RecordBatch) -> int:
    """The bytes of data in a batch."""
    return int(pc.sum(pc.binary_length(batch.column("data"))).as_py() or 0)


def row_of(batch: pa.RecordBatch, sequence: str) -> int:
    """The row that holds the record of this sequence number, -1 where there is none."""
    row: int = pc.index(batch.column("sequenceNumber"), sequence).as_py()
    return row


def sequence_at(batch: pa.RecordBatch, row: int) -> str:
    """The sequence number in a row; -1 is the last row."""
    return str(batch.column("sequenceNumber")[row].as_py())
