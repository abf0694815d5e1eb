"""The Kinesis source: a streaming format for Spark whose offsets hold every shard's end (``docs/source.md``)."""

from jobs.sources.kinesis.clients import kinesis_client
from jobs.sources.kinesis.errors import SourceError
from jobs.sources.kinesis.offsets import lost_in, ranges, reader_of, records_between
from jobs.sources.kinesis.progress import caught_up, keep_progress, read_progress, restore_progress
from jobs.sources.kinesis.source import KinesisDataSource
from jobs.sources.kinesis.start import load_or_keep_start, resolve_start

__all__ = [
    "KinesisDataSource",
    "SourceError",
    "caught_up",
    "keep_progress",
    "kinesis_client",
    "load_or_keep_start",
    "lost_in",
    "ranges",
    "read_progress",
    "reader_of",
    "records_between",
    "resolve_start",
    "restore_progress",
]
