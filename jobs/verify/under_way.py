"""What is under way while an archive is audited: an object whose delivery record is still to come is no damage."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.backfill.errors import BackfillError
from jobs.backfill.runs import read_run, run_ids
from jobs.batch import Batch
from jobs.instants import iso, now
from jobs.lease import Lease
from jobs.sinks.storage import Storage
from jobs.verify.findings import FINDING_DDL, Finding
from jobs.verify.records import read_records

YOUNG = timedelta(minutes=10)
# A batch's time in the name of an object (BR-015), for Java.
_STEM = r"/(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z)-[^/]*$"


@dataclass(frozen=True)
class UnderWay:
    """The backfills that were to be finished when the audit began, at ``at``; ``known`` are all that had begun by then.

    ``finished`` are those that were, ``batch`` the stream's batch that was begun and not done.
    """

    storage: Storage
    at: datetime
    known: frozenset[str]
    finished: frozenset[str]
    batch: Batch | None

    @classmethod
    def at_the_beginning(cls, storage: Storage, batch: Batch | None) -> "UnderWay":
        """As it is now: to be called before anything else is read."""
        begun, finished = run_ids(storage)
        return cls(storage, now(), frozenset(begun), frozenset(begun & finished), batch)

    def sorted_out(self, found: DataFrame, settle_seconds: float) -> DataFrame:
        """Findings in which no object is ``unnamed`` whose batch or step is under way.

        What is left of backfills that nobody is at, and of the stream's batch, is ``unfinished``. The stream's batches are
        waited for, ``settle_seconds`` at most.
        """
        runs, more = self._runs()
        stem = F.regexp_extract("key", _STEM, 1)
        unnamed = (F.col("kind") == "unnamed") & ~F.col("key").startswith("deliveries/")
        of_runs = unnamed & stem.isin(list(runs))
        found = self._of_backfills(found, of_runs, stem, runs)
        of_batch = stem == F.lit(_stem_of(self.batch.timestamp) if self.batch else None)
        awaited = found.where(unnamed & ((stem > self._young) | F.coalesce(of_batch, F.lit(False))))
        named = self._named_by_and_by(awaited, settle_seconds)
        if named:
            found = found.where(~(unnamed & F.col("key").isin(sorted(named))))
        if self.batch:
            detail = f"is of batch {self.batch.batch_id}, which was begun and isn't finished: the job's next start does that"
            found = _unfinished(found, unnamed & of_batch, F.lit(detail))
        return found.union(found.sparkSession.createDataFrame(more, FINDING_DDL)) if more else found

    def _runs(self) -> tuple[dict[str, str | None], list[Finding]]:
        """By time the backfills that may have been at work during the audit, None for those that have finished.

        And what is wrong with their records.
        """
        begun, finished = run_ids(self.storage)
        runs: dict[str, str | None] = {}
        damaged = []
        for id in sorted(begun - self.finished):
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
        ids = F.create_map(*[F.lit(text) for pair in left.items() for text in pair])
        detail = F.format_string("is of run %s, which was begun and not finished", ids[stem])
        is_left = of_runs & stem.isin(list(left))
        return _unfinished(found.where(is_left | ~of_runs), is_left, detail)

    def _is_at_work(self) -> bool:
        """Whether some process is at a backfill: its lease changes."""
        leases = [key for key in self.storage.list("runs/") if key.endswith(".lease")]
        with ThreadPoolExecutor(max(1, len(leases))) as watchers:
            return any(watchers.map(lambda key: Lease(self.storage, key).is_held(), leases))

    def _named_by_and_by(self, unnamed: DataFrame, settle_seconds: float) -> set[str]:
        """Which of the objects get their delivery record while we wait."""
        waiting = {row.key for row in unnamed.toLocalIterator()}
        end, named = time.monotonic() + settle_seconds, set[str]()
        while waiting:
            records = self.storage.list("deliveries/", f"deliveries/{self._oldest[:10]}/{self._oldest}")
            for record in read_records(self.storage, records):
                named |= waiting & {one.key for one in record.objects}
            if named == waiting or time.monotonic() >= end:
                break
            time.sleep(1)
        return named

    @property
    def _young(self) -> str:
        return _stem_of(iso(self.at - YOUNG))

    @property
    def _oldest(self) -> str:
        return min(self._young, _stem_of(self.batch.timestamp)) if self.batch else self._young


def _unfinished(found: DataFrame, which: Column, detail: Column) -> DataFrame:
    return found.withColumns(
        {
            "kind": F.when(which, "unfinished").otherwise(F.col("kind")),
            "detail": F.when(which, detail).otherwise(F.col("detail")),
        }
    )


def _stem_of(timestamp: str) -> str:
    return timestamp.replace(":", "-")
