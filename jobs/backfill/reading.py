"""Pieces of files as rows: what Spark's tasks read of an input."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.arrow import pa
from jobs.backfill.errors import BadInput
from jobs.backfill.lines import Piece, read_lines
from jobs.sinks.storage import Storage

TASKS_PER_CORE = 4
_TOLD = 10
_SCHEMA: Any = pa.schema([("data", pa.binary())])
_COUNTS: Any = pa.schema([("number", pa.int64()), ("lines", pa.int64()), ("problem", pa.string())])
_COUNTS_DDL = "number bigint, lines bigint, problem string"


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


@dataclass(frozen=True)
class LineCounter:
    """What ``DataFrame.mapInArrow`` is given: numbers of pieces in, how many lines each has, or why that can't be told, out."""

    storage: Storage
    pieces: Sequence[Piece]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Column in: id bigint; out: ``_COUNTS``, a row a piece."""
        for batch in batches:
            for number in batch.column(0).to_pylist():
                row = {"number": number, **self._counted(self.pieces[number])}
                yield pa.RecordBatch.from_pylist([row], schema=_COUNTS)

    def _counted(self, piece: Piece) -> dict[str, Any]:
        try:
            return {"lines": sum(map(len, read_lines(self.storage, piece))), "problem": None}
        except BadInput as error:
            return {"lines": 0, "problem": error.message}


def count_lines(spark: SparkSession, storage: Storage, pieces: Sequence[Piece]) -> list[int]:
    """How many lines each piece has. Raises ``BadInput`` naming the files that can't be read to their end."""
    counts = sorted(
        numbers(spark, len(pieces)).mapInArrow(LineCounter(storage, pieces), _COUNTS_DDL).collect()
    )
    refuse([row.problem for row in counts if row.problem])
    return [row.lines for row in counts]


def refuse(problems: Sequence[str]) -> None:
    """Raise ``BadInput`` where there are problems, with the first ten of them."""
    if problems:
        more = f" and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
        raise BadInput(f"nothing was written, for {'; '.join(problems[:_TOLD])}{more}")


def numbers(spark: SparkSession, count: int) -> DataFrame:
    """The numbers from 0 on, in tasks that are small enough to be spread evenly."""
    return spark.range(
        0, count, 1, max(1, min(count, TASKS_PER_CORE * spark.sparkContext.defaultParallelism))
    )


def line_rows(spark: SparkSession, storage: Storage, pieces: Sequence[Piece]) -> DataFrame:
    """The pieces' lines: ``data binary``, in at least as many tasks as there are cores."""
    cores = spark.sparkContext.defaultParallelism
    read = numbers(spark, len(pieces)).mapInArrow(LineReader(storage, pieces), "data binary")
    return read if len(pieces) >= cores else read.repartition(cores, F.xxhash64("data"))


def event_rows(lines: DataFrame) -> DataFrame:
    """Change events that came by no stream: neither shard nor sequence number."""
    nothing = F.lit(None).cast("string")
    return lines.select("data", nothing.alias("shardId"), nothing.alias("sequenceNumber"))
