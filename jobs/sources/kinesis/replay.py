"""Reading a batch again: the same rows in the same order, up to the end positions that Spark logged."""

import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa
import structlog

from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.cursor import LOOKS_AT_TIP, Cursor
from jobs.sources.kinesis.errors import (
    AFTERWARDS,
    KinesisUnavailable,
    ReplayFailed,
    ReplayUnfinished,
    ShardMissing,
    Transient,
)
from jobs.sources.kinesis.offsets import Offset, Position, is_sequence, ranges
from jobs.sources.kinesis.options import MAX_PAGE, Options
from jobs.sources.kinesis.pace import Pace
from jobs.sources.kinesis.progress import Evidence
from jobs.sources.kinesis.records import row_of, sequence_at

log = structlog.get_logger()


def replay(
    options: Options, evidence: Evidence, start: Offset, end: Offset, until: float = math.inf
) -> Iterator[pa.RecordBatch]:
    """The rows after ``start`` up to ``end``, both included in what an earlier ``read`` returned and reached.

    Empty pages are no end; raises ReplayFailed where the end can't be reached any more, TrimmedPosition where
    records after the start may have been lost, KinesisUnavailable when the retries are used up, ReplayUnfinished at
    ``until`` (monotonic seconds).
    """
    limits = options.limits
    api = StreamApi(options.stream, options.region, limits.retry_attempts, limits.threads)
    api.connect()
    jobs: list[Future[list[pa.RecordBatch]]] = []
    with ThreadPoolExecutor(limits.threads, thread_name_prefix="kinesis-replay") as pool:
        for shard, moved in ranges(start, end).items():
            cursor = Cursor(
                shard,
                moved["after"],
                Pace(limits.calls_per_second),
                evidence.read_to(shard, moved["after"]),
                options.fail_on_data_loss,
            )
            jobs.append(pool.submit(_ShardReplay(api, options, cursor, moved["to"], until).rows))
        for job in jobs:
            yield from job.result()


class _ShardReplay:
    """One shard of the batch, from the cursor's position to the end position."""

    def __init__(self, api: StreamApi, options: Options, cursor: Cursor, end: Position, until: float) -> None:
        self.api = api
        self.limits = options.limits
        self.fail_on_data_loss = options.fail_on_data_loss
        self.cursor = cursor
        self.end = end
        self.until = until

    def rows(self) -> list[pa.RecordBatch]:
        """All the rows, page by page."""
        pages: list[pa.RecordBatch] = []
        empty = at_tip = 0
        while self.cursor.position != self.end:
            if time.monotonic() >= self.until:
                raise ReplayUnfinished(
                    f"shard {self.cursor.shard} could not be read up to position {self.end} in time"
                )
            if self.cursor.ended:
                return self._unreachable("the shard ends before it", pages)
            if not self._fetch():
                return self._unreachable("the stream no longer has the shard", pages)
            page = self.cursor.take(MAX_PAGE, 2**31)
            if page is not None:
                kept = self._up_to_end(page)
                pages.append(kept)
                if kept.num_rows < page.num_rows or self._is_end(kept):
                    return pages if self._is_end(kept) else self._unreachable("its record is gone", pages)
            empty = 0 if page is not None else empty + 1
            at_tip = at_tip + 1 if page is None and self.cursor.lag_ms == 0 else 0
            if empty > self.limits.max_empty_pages or at_tip > LOOKS_AT_TIP:
                return self._unreachable(f"{empty} empty answers in a row", pages)
        return pages

    def _is_end(self, page: pa.RecordBatch) -> bool:
        return page.num_rows > 0 and sequence_at(page, -1) == self.end

    def _up_to_end(self, page: pa.RecordBatch) -> pa.RecordBatch:
        if not is_sequence(self.end) or int(sequence_at(page, -1)) <= int(self.end):
            return page
        row = row_of(page, self.end)
        if row >= 0:
            return page.slice(0, row + 1)
        end = int(self.end)
        sequences = page.column("sequenceNumber").to_pylist()
        return page.slice(0, sum(int(sequence) <= end for sequence in sequences))

    def _fetch(self) -> bool:
        while True:
            time.sleep(max(0.0, self.cursor.pace.due() - time.monotonic()))
            try:
                self.cursor.fetch(self.api, MAX_PAGE)
            except ShardMissing:
                if self.cursor.shard not in self.api.shards():
                    return False
                self._failed("ResourceNotFoundException")
            except Transient as error:
                self._failed(error.code)
            else:
                self.cursor.pace.succeeded()
                return True

    def _failed(self, code: str) -> None:
        self.cursor.pace.failed()
        if self.cursor.pace.failures >= self.limits.retry_attempts:
            raise KinesisUnavailable(
                f"Shard {self.cursor.shard} of stream {self.api.stream} can't be read again: {code} "
                f"{self.cursor.pace.failures} times in a row. Start again when Kinesis has recovered."
            )

    def _unreachable(self, why: str, pages: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
        message = (
            f"The last batch can't be read again as it was: shard {self.cursor.shard} of stream {self.api.stream} "
            f"doesn't reach position {self.end} any more ({why})."
        )
        if self.fail_on_data_loss:
            raise ReplayFailed(
                f"{message} To go on with what is left, run with source.fail_on_data_loss=false, "
                f"{AFTERWARDS}."
            )
        log.warning("source.data_loss", shard=self.cursor.shard, reason=message)
        return pages
