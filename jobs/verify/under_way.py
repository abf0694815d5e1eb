"""What is under way while an archive is audited: an object whose delivery record is still to come is no damage."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.backfill.errors import BackfillError
from jobs.backfill.runs import read_run, run_ids
from jobs.batch import Batch
from jobs.instants import iso, now
from jobs.lease import Lease
from jobs.sinks.names import delivery_record_key
from jobs.sinks.storage import Storage
from jobs.verify.findings import FINDING_DDL, Finding
from jobs.verify.logged import Log
from jobs.verify.records import read_records

YOUNG = timedelta(minutes=10)
_BATCH = "is of batch {} of query {}, which is begun and not committed: don't remove it, the job's next start finishes it"
_RUN = (
    "is of run {}, which was begun and not finished: don't remove it, the next start of the run finishes it"
)
# A batch's time in the name of an object (BR-015), for Java.
_STEM = r"/(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z)-[^/]*$"


@dataclass(frozen=True)
class UnderWay:
    """The backfills that were ``unfinished`` when the audit began, at ``at``; ``known`` are all that had begun by then.

    And the stream's batch that was begun and not committed, ``interrupted``: it may have begun long ago, and be replayed
    now or later.
    """

    storage: Storage
    log: Log | None
    at: datetime
    known: frozenset[str]
    unfinished: frozenset[str]
    interrupted: Batch | None

    @classmethod
    def at_the_beginning(cls, storage: Storage, log: Log | None) -> "UnderWay":
        """As it is now: to be called before anything else is read."""
        interrupted = log.interrupted() if log else None
        begun, finished = run_ids(storage)
        return cls(storage, log, now(), frozenset(begun), frozenset(begun - finished), interrupted)

    def sorted_out(self, found: DataFrame, settle_seconds: float) -> DataFrame:
        """Findings in which no object is ``unnamed`` whose batch or step is under way.

        What backfills left that nobody is at is ``unfinished``, and so is what the stream's last batch has left. The stream's
        batches are waited for, ``settle_seconds`` at most.
        """
        runs, more = self._runs()
        batches = self._batches()
        stem = F.regexp_extract("key", _STEM, 1)
        unnamed = (F.col("kind") == "unnamed") & ~F.col("key").startswith("deliveries/")
        found = self._of_backfills(found, unnamed & stem.isin(list(runs)), stem, runs)
        is_awaited = unnamed & ((stem > self._young) | stem.isin(list(batches)))
        named = self._named_by_and_by(found.where(is_awaited), list(batches.values()), settle_seconds)
        if named:
            found = found.where(~(unnamed & F.col("key").isin(sorted(named))))
        details = {time: _BATCH.format(batch.batch_id, batch.query_id) for time, batch in batches.items()}
        found = _unfinished(found, unnamed, stem, details)
        return found.union(found.sparkSession.createDataFrame(more, FINDING_DDL)) if more else found

    def _batches(self) -> dict[str, Batch]:
        """By time the stream's batches that are begun and not committed, or weren't when the audit began."""
        found = [self.interrupted, self.log.interrupted() if self.log else None]
        return {_stem_of(batch.timestamp): batch for batch in found if batch}

    def _runs(self) -> tuple[dict[str, str | None], list[Finding]]:
        """By time the backfills that may have been at work during the audit, None for those that have finished.

        And what is wrong with their records.
        """
        begun, finished = run_ids(self.storage)
        runs: dict[str, str | None] = {}
        damaged = []
        for id in sorted(self.unfinished | begun - self.known):
            try:
                run = read_run(self.storage, id)
            except BackfillError:
                damaged.append(Finding("unreadable", f"runs/{id}.json", 1, "is no run record"))
            else:
                if run:
                    runs[_stem_of(run.timestamp)] = None if id in finished else id
        return runs, damaged

    def _of_backfills(
        self, found: DataFrame, of_runs: Column, stem: Column, runs: Mapping[str, str | None]
    ) -> DataFrame:
        """Without the objects of backfills that are at work, or were until just now; those of others say whose they are."""
        if not runs:
            return found
        times = [row[0] for row in found.where(of_runs).select(stem).distinct().collect()]
        left = {time: id for time in times if (id := runs[time])}
        if not left or self._is_at_work():
            return found.where(~of_runs)
        return _unfinished(found, of_runs, stem, {time: _RUN.format(id) for time, id in left.items()}).where(
            ~of_runs | stem.isin(list(left))
        )

    def _is_at_work(self) -> bool:
        """Whether some process is at a backfill: its lease changes."""
        leases = [key for key in self.storage.list("runs/") if key.endswith(".lease")]
        with ThreadPoolExecutor(max(1, len(leases))) as watchers:
            return any(watchers.map(lambda key: Lease(self.storage, key).is_held(), leases))

    def _named_by_and_by(
        self, unnamed: DataFrame, batches: Sequence[Batch], settle_seconds: float
    ) -> set[str]:
        """Which of the objects get their delivery record while we wait."""
        waiting = {row.key for row in unnamed.toLocalIterator()}
        end, named = time.monotonic() + settle_seconds, set[str]()
        while waiting:
            records = self.storage.list("deliveries/", f"deliveries/{self._young[:10]}/{self._young}")
            for record in read_records(self.storage, chain(records, map(delivery_record_key, batches))):
                named |= waiting & {one.key for one in record.objects}
            if named == waiting or time.monotonic() >= end:
                break
            time.sleep(1)
        return named

    @property
    def _young(self) -> str:
        return _stem_of(iso(self.at - YOUNG))


def _unfinished(found: DataFrame, unnamed: Column, stem: Column, details: Mapping[str, str]) -> DataFrame:
    """The findings, where those of objects of these times say that they are to be finished."""
    if not details:
        return found
    texts = F.create_map(*[F.lit(text) for pair in details.items() for text in pair])
    is_left = unnamed & stem.isin(list(details))
    return found.select(
        F.when(is_left, "unfinished").otherwise(F.col("kind")).alias("kind"),
        "key",
        "number",
        F.when(is_left, texts[stem]).otherwise(F.col("detail")).alias("detail"),
    )


def _stem_of(timestamp: str) -> str:
    return timestamp.replace(":", "-")
