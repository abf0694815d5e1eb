"""Reading the next batch: which shards, their rows, the offset that follows."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pyarrow as pa
import structlog

from jobs.instants import now
from jobs.sources.kinesis import progress, shards
from jobs.sources.kinesis.api import ListedShard, StreamApi
from jobs.sources.kinesis.collect import Collector
from jobs.sources.kinesis.cursor import Cursor
from jobs.sources.kinesis.errors import AFTERWARDS, ExpiredShard
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Lost, Offset, ordered
from jobs.sources.kinesis.options import Options
from jobs.sources.kinesis.pace import Pace
from jobs.sources.kinesis.progress import Evidence

log = structlog.get_logger()

_LISTING_KEPT = 60.0


class Engine:
    """Keeps iterators and unread rests of pages from one batch to the next; lives in the reader's process."""

    def __init__(self, options: Options, evidence: Evidence) -> None:
        limits = options.limits
        self.options = options
        self.api = StreamApi(options.stream, options.region, limits.retry_attempts, limits.threads)
        self.api.connect()
        self._evidence = Evidence(dict(evidence.shards))
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="kinesis")
        self._cursors: dict[str, Cursor] = {}
        self._listed: dict[str, ListedShard] = {}
        self._listed_until = 0.0
        self._read_to: datetime | None = None
        self._losses: list[str] = []
        self._lost: Lost = {}

    def read(self, start: Offset) -> tuple[list[pa.RecordBatch], Offset, Lost]:
        """The rows after ``start``, ordered by shard and sequence number, the offset that they lead to, and what is lost.

        Without rows the offset is ``start`` itself, unless a shard was found to end or records to be lost. Raises
        SourceError's children.
        """
        if time.monotonic() >= self._listed_until:
            self._list()
        offset = shards.grown(self._without_expired(start), self._listed)
        self._align(offset)
        collector = Collector(self.api, self._pool, self.options.limits)
        offset = self._collect(collector, offset)
        self._report(collector, offset)
        lost = self._take_lost()
        if not collector.records and not lost and offset == start:
            return [], start, {}
        batches = [batch for shard in sorted(collector.rows) for batch in collector.rows[shard]]
        return batches, ordered(shards.pruned(offset, self._listed)), lost

    def _take_lost(self) -> Lost:
        """What was found lost since the last read: Spark logs it with the offset, so a replay of the batch says the same."""
        lost, self._lost = self._lost, {}
        for cursor in self._cursors.values():
            if cursor.lost:
                lost[cursor.shard], cursor.lost = cursor.lost, {}
        return lost

    def _collect(self, collector: Collector, offset: Offset) -> Offset:
        asked: set[str] = set()
        while True:
            todo = [shard for shard in shards.readable(offset, self._listed) if shard not in asked]
            asked.update(todo)
            collector.collect([self._cursors[shard] for shard in todo])
            ended = [shard for shard in todo if self._cursors[shard].ended]
            offset = {**offset, **{shard: self._cursors[shard].position for shard in todo}}
            if ended:
                # A reshard is the only way to an end, and the children are listed from that moment on.
                self._list()
                offset = shards.grown(offset, self._listed)
                self._align(offset)
            if collector.missing or shards.childless(ended, self._listed):
                self._listed_until = 0.0
            if not ended or collector.full:
                return offset

    def _list(self) -> None:
        self._listed = self.api.shards()
        self._listed_until = time.monotonic() + _LISTING_KEPT

    def _without_expired(self, offset: Offset) -> Offset:
        gone = shards.expired(offset, self._listed)
        if not gone:
            return offset
        lost = {shard: offset.get(shard, TRIM_HORIZON) for shard in gone}
        where = ", ".join(f"{shard} after position {position}" for shard, position in lost.items())
        message = f"Stream {self.api.stream} no longer holds {where}: records that weren't read have expired."
        if self.options.fail_on_data_loss:
            raise ExpiredShard(
                f"{message} To go on with the shards that followed, run with source.fail_on_data_loss=false, "
                f"{AFTERWARDS}."
            )
        log.warning("source.data_loss", reason=message)
        self._losses.append(message)
        self._lost = {shard: {"after": position, "to": SHARD_END} for shard, position in lost.items()}
        return {**offset, **dict.fromkeys(gone, SHARD_END)}

    def _align(self, offset: Offset) -> None:
        """Makes the cursors stand at the offset; those that stand there already keep iterator and buffer."""
        for shard, position in offset.items():
            cursor = self._cursors.get(shard)
            if cursor is None or cursor.position != position:
                self._cursors[shard] = Cursor(
                    shard,
                    position,
                    Pace(self.options.limits.calls_per_second),
                    self._evidence.read_to(shard, position),
                    self.options.fail_on_data_loss,
                )
        self._cursors = {shard: self._cursors[shard] for shard in offset}

    def _report(self, collector: Collector, offset: Offset) -> None:
        committed_to, at = self._read_to, now()
        pending = [shard for shard in shards.pending(offset, self._listed) if offset.get(shard) != SHARD_END]
        for cursor in self._cursors.values():
            self._evidence.note(cursor)
        self._evidence.forget_all_but(offset)
        self._read_to = progress.everything_read_to(self._cursors, pending, at)
        if self.options.progress_file:
            report = progress.snapshot(
                self.api.stream,
                self._cursors,
                self._evidence,
                time=at,
                records=collector.records,
                data_bytes=collector.bytes,
                pending=pending,
                committed_to=committed_to,
            )
            report["losses"] = [*self._losses, *report["losses"]]
            progress.write_progress(self.options.progress_file, report)
