"""The source as Spark sees it: ``spark.readStream.format("kinesis")``."""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, SimpleDataSourceStreamReader
from pyspark.sql.datasource_internal import _SimpleStreamReaderWrapper
from pyspark.sql.types import StructType

from jobs.log import configure_logging
from jobs.sources.kinesis.engine import Engine
from jobs.sources.kinesis.offsets import LoggedOffset, count, counted, positions
from jobs.sources.kinesis.options import parse
from jobs.sources.kinesis.progress import evidence_of, read_progress
from jobs.sources.kinesis.records import SPARK_SCHEMA
from jobs.sources.kinesis.replay import replay


class KinesisDataSource(DataSource):
    """Register once per session: ``spark.dataSource.register(KinesisDataSource)``.

    Columns: ``data binary, streamName string, shardId string, partitionKey string, sequenceNumber string,
    approximateArrivalTimestamp timestamp``; options: ``docs/source.md``.
    """

    @classmethod
    def name(cls) -> str:
        """The format's name."""
        return "kinesis"

    def schema(self) -> str:
        """The columns, as the AWS connector has them, and the shard."""
        return SPARK_SCHEMA

    def simpleStreamReader(self, schema: StructType) -> "KinesisReader":
        """The reader; raises BadOption."""
        return KinesisReader(dict(self.options))

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        """The reader in Spark's wrapper for simple readers, without that wrapper's growth."""
        _configure_worker()
        return SlimWrapper(self.simpleStreamReader(schema))


class KinesisReader(SimpleDataSourceStreamReader):
    """Offsets and rows of one stream. Pickled to executors for replays, so all that is live is made lazily."""

    def __init__(self, options: dict[str, str]) -> None:
        self.options = parse(options)
        # Read at once: a replay runs in an executor, which may not see the driver's files.
        progress_file = self.options.progress_file
        self.evidence = evidence_of(read_progress(progress_file) if progress_file else None)
        self._engine: Engine | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_engine": None}

    def initialOffset(self) -> LoggedOffset:
        """The start that the driver resolved and kept."""
        return counted(self.options.initial_offset, 0)

    def read(self, start: LoggedOffset) -> tuple[Iterator[pa.RecordBatch], LoggedOffset]:
        """The next batch, and the offset it leads to; ``start`` itself where there is nothing new."""
        if self._engine is None:
            self._engine = Engine(self.options, self.evidence)
        before = positions(start)
        batches, end, lost = self._engine.read(before)
        if end is before:
            return iter(batches), start
        records = count(start) + sum(batch.num_rows for batch in batches)
        return iter(batches), counted(end, records, lost, self.options.reader_id)

    def readBetweenOffsets(self, start: LoggedOffset, end: LoggedOffset) -> Iterator[pa.RecordBatch]:
        """The rows of an earlier ``read``, again."""
        _configure_worker()
        return replay(self.options, self.evidence, start, end)


def _configure_worker() -> None:
    """Log as the driver does; in any other process than Spark's workers that is somebody else's choice."""
    if _is_worker():
        configure_logging()


def _is_worker() -> bool:
    program = getattr(sys.modules["__main__"], "__spec__", None)
    return program is not None and program.name.startswith("pyspark.")


class SlimWrapper(_SimpleStreamReaderWrapper):
    """Spark's wrapper for simple readers, keeping no more than a batch under way needs.

    The original keeps an entry for every poll until the next batch is committed, and a batch's rows until the
    one after it is.
    """

    def latestOffset(self) -> LoggedOffset:
        """Reads the next batch; a poll that found nothing leaves no entry."""
        end: LoggedOffset = super().latestOffset()
        if self.cache[-1].start is end:
            self.cache.pop()
        return end

    def commit(self, end: LoggedOffset) -> None:
        """Drops the rows of the committed batch."""
        super().commit(end)
        if self.cache and json.dumps(self.cache[0].end) == json.dumps(end):
            del self.cache[0]

    def stop(self) -> None:
        """Silences the worker, which ends now: that Spark hung up in the middle of a call is no news.

        Errors of the source went to Spark, not to standard error, before this is called.
        """
        if _is_worker():
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # the process's own until it ends
