"""One batch from many shards: in parallel, in turn, within bounds."""

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import pyarrow as pa

from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.cursor import Cursor
from jobs.sources.kinesis.errors import KinesisUnavailable, ShardMissing, Transient
from jobs.sources.kinesis.options import MAX_PAGE, Limits
from jobs.sources.kinesis.records import data_bytes

_ALL_FAILING_WAIT = 1.0


class Collector:
    """Fills one batch. ``rows`` holds what was taken of each shard, ``missing`` whether Kinesis denied a shard."""

    def __init__(self, api: StreamApi, pool: ThreadPoolExecutor, limits: Limits) -> None:
        self.api = api
        self.pool = pool
        self.limits = limits
        self.rows: dict[str, list[pa.RecordBatch]] = {}
        self.missing = False
        self.records = 0
        self.bytes = 0
        self._until = time.monotonic() + limits.max_fetch_seconds
        self._waiting: list[Cursor] = []
        self._running: dict[Future[None], tuple[Cursor, int]] = {}

    @property
    def full(self) -> bool:
        """Whether the batch has reached a bound, of records, bytes or time."""
        spent = self.records >= self.limits.max_records or self.bytes >= self.limits.max_bytes
        return spent or time.monotonic() >= self._until

    def collect(self, cursors: Sequence[Cursor]) -> None:
        """Reads the shards in turn until each one is drained or the batch is full.

        A shard whose calls fail doesn't hold up the rows of others: it is tried again in this batch or the next.
        Raises KinesisUnavailable when its retries are used up, and what ``Cursor.fetch`` raises.
        """
        self._waiting = list(cursors)
        try:
            while self._advance():
                pass
        finally:
            wait(self._running)
        # What was under way when the batch became full stays in the cursors for the next one.
        for future, (cursor, _) in list(self._running.items()):
            self._settle(future, cursor)
        self._running.clear()

    def _advance(self) -> bool:
        if self.full:
            return False
        self._take_buffered()
        self._submit_due()
        if self._running:
            done, _ = wait(self._running, timeout=self._pause(), return_when=FIRST_COMPLETED)
            for future in done:
                self._finish(future)
            return True
        return self._wait_for_due()

    def _take_buffered(self) -> None:
        for cursor in [cursor for cursor in self._waiting if cursor.buffered]:
            if self.full:
                return
            self._take(cursor)
            if cursor.drained:
                self._waiting.remove(cursor)

    def _submit_due(self) -> None:
        reserved = sum(limit for _, limit in self._running.values())
        for cursor in sorted(self._waiting, key=lambda cursor: cursor.pace.due()):
            left = self.limits.max_records - self.records - reserved
            busy = len(self._running) >= self.limits.threads
            if busy or left <= 0 or cursor.buffered or cursor.pace.due() > time.monotonic():
                continue
            limit = min(MAX_PAGE, max(1, left // len(self._waiting)))
            reserved += limit
            self._waiting.remove(cursor)
            self._running[self.pool.submit(cursor.fetch, self.api, limit)] = cursor, limit

    def _finish(self, future: Future[None]) -> None:
        cursor, _ = self._running.pop(future)
        self._settle(future, cursor)
        if not self.full and cursor.buffered:
            self._take(cursor)
        if not cursor.drained or cursor.pace.failures:
            self._waiting.append(cursor)

    def _settle(self, future: Future[None], cursor: Cursor) -> None:
        try:
            future.result()
        except Transient as error:
            self.missing = self.missing or isinstance(error, ShardMissing)
            cursor.pace.failed()
            if cursor.pace.failures >= self.limits.retry_attempts:
                raise KinesisUnavailable(
                    f"Shard {cursor.shard} of stream {self.api.stream} can't be read: {error.code} "
                    f"{cursor.pace.failures} times in a row. The job goes on from here when it is started again."
                ) from error
        else:
            cursor.pace.succeeded()

    def _take(self, cursor: Cursor) -> None:
        unread = 1 + len(self._waiting) + len(self._running)
        room = self.limits.max_bytes - self.bytes
        rows = cursor.take(self.limits.max_records - self.records, max(1, room // unread))
        if rows is not None:
            self.rows.setdefault(cursor.shard, []).append(rows)
            self.records += rows.num_rows
            self.bytes += data_bytes(rows)

    def _pause(self) -> float:
        now = time.monotonic()
        to_come = [due for due in (cursor.pace.due() for cursor in self._waiting) if due > now]
        return max(0.001, min([*to_come, self._until]) - now)

    def _wait_for_due(self) -> bool:
        if any(cursor.buffered for cursor in self._waiting):
            return True
        if not all(cursor.pace.failures for cursor in self._waiting):
            time.sleep(self._pause())
            return True
        if self._waiting and not self.records:
            time.sleep(min(self._pause(), _ALL_FAILING_WAIT))
        return False
