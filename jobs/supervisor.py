"""Runs a streaming query until it is told to stop, and stops it between two batches."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import structlog
from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery

log = structlog.get_logger()

_POLL_SECONDS = 0.2
_UPKEEP_SECONDS = 300.0
_COMMIT_SECONDS = 30.0
_PARKED_SECONDS = 120.0
# How Spark tells, by the text alone, that a function for foreachBatch was interrupted by the end of its query
# (StreamExecution.isInterruptionException). A real interruption says the same with a stack trace, over whose length
# Spark's search may overflow its stack; and one that comes while a batch is planned may be lost on the way.
_AS_SPARK_KNOWS_IT = (
    "py4j.protocol.Py4JJavaError: An error occurred while calling a batch: java.lang.InterruptedException"
)


class StopRequested(Exception):
    """A batch was refused because the job is about to end; it is replayed at the next start."""


class Supervisor:
    """Lets batches run one by one and ends the query between two of them.

    Stopping a query in the middle of a batch interrupts whatever it does; so after a stop was asked for, no further
    batch begins, the running one is waited for, and Spark may log its commit. Should Spark come with another batch
    meanwhile, it waits until the query is stopped: an interruption by that is the only way out of a batch that Spark
    takes neither for its success nor for a failure.
    """

    def __init__(self) -> None:
        # No threading.Event: a signal handler that sets one may wait for ever for the thread that it interrupted.
        self._stopping = False
        self._signal: str | None = None
        self._batch = threading.Lock()
        self._last: int | None = None
        self._query: StreamingQuery | None = None

    def guarded(self, archive: Callable[[DataFrame, int], None]) -> Callable[[DataFrame, int], None]:
        """The function for ``foreachBatch``: ``archive``, unless the job is stopping."""

        def run(batch: DataFrame, batch_id: int) -> None:
            with self._batch:
                if not self._stopping:
                    archive(batch, batch_id)
                    self._last = batch_id
                    return
            self._await_stop()
            raise StopRequested(_AS_SPARK_KNOWS_IT)

        return run

    def stop_on_signals(self) -> None:
        """End cleanly on SIGTERM and SIGINT."""

        def stop(number: int, _: FrameType | None) -> None:
            self._signal = signal.Signals(number).name
            self._stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)

    def supervise(
        self,
        query: StreamingQuery,
        is_done: Callable[[], bool],
        is_committed: Callable[[int], bool],
        upkeep: Callable[[], None] = lambda: None,
    ) -> None:
        """Wait until the query fails, a stop was asked for or ``is_done``; then end it.

        ``upkeep`` is called every few minutes. Raises the query's failure, also where it fails while it is ended.
        """
        self._query = query
        self._wait(query, is_done, upkeep)
        if query.isActive:
            log.info("stopping", reason=self._signal or "caught up")
            with self._batch:
                pass
            self._await_commit(query, is_committed)
            query.stop()
        if query.exception() is not None:
            query.awaitTermination()  # raises it, and unlike exception() with what Java threw
        log.info("stopped", lastBatch=self._last)

    def _wait(self, query: StreamingQuery, is_done: Callable[[], bool], upkeep: Callable[[], None]) -> None:
        upkept = time.monotonic()
        while query.isActive and not self._stopping:
            if time.monotonic() - upkept >= _UPKEEP_SECONDS:
                upkeep()
                upkept = time.monotonic()
            if is_done():
                self._stopping = True
            else:
                time.sleep(_POLL_SECONDS)

    def _await_commit(self, query: StreamingQuery, is_committed: Callable[[int], bool]) -> None:
        """Give Spark the moment it takes to log the last batch as done; without it the batch is replayed, no more."""
        end = time.monotonic() + _COMMIT_SECONDS
        while query.isActive and time.monotonic() < end:
            if self._last is None or is_committed(self._last):
                return
            time.sleep(0.05)

    def _await_stop(self) -> None:
        end = time.monotonic() + _PARKED_SECONDS
        while (self._query is None or self._query.isActive) and time.monotonic() < end:
            time.sleep(0.05)
