"""Pieces of files as rows: what Spark's tasks read of an input."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.backfill.lines import Piece, read_lines
from jobs.sinks.storage import Storage

TASKS_PER_CORE = 4
_SCHEMA: Any = pa.schema([("data", pa.binary())])


@dataclass(frozen=True)
class LineReader:
    """What ``DataFrame.mapInArrow`` is given: numbers of pieces in, their lines out."""

    storage: Storage
    pieces: Sequence[Piece]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Column in: id bigint, a piece's number; out: data binary, a line. A batch holds a megabyte or one line."""
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for lines in read_lines(self.storage, self.pieces[number]):
                    if lines:
                        yield pa.RecordBatch.from_arrays([pa.array(lines, pa.binary())], schema=_SCHEMA)


def line_rows(spark: SparkSession, storage: Storage, pieces: Sequence[Piece]) -> DataFrame:
    """The pieces' lines: ``data binary``, in at least as many tasks as there are cores."""
    cores = spark.sparkContext.defaultParallelism
    rows = spark.range(0, len(pieces), 1, min(len(pieces), TASKS_PER_CORE * cores))
    read = rows.mapInArrow(LineReader(storage, pieces), "data binary")
    return read if len(pieces) >= cores else read.repartition(cores, F.xxhash64("data"))


def event_rows(lines: DataFrame) -> DataFrame:
    """Change events that came by no stream: neither shard nor sequence number."""
    nothing = F.lit(None).cast("string")
    return lines.select("data", nothing.alias("shardId"), nothing.alias("sequenceNumber"))
