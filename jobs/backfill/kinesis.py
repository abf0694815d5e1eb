"""``--from kinesis``: what arrived in a stream between two instants and isn't archived yet."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa
import structlog
from pyspark.sql import DataFrame, SparkSession

from jobs.backfill.coverage import Edge, Range
from jobs.backfill.gaps import Gaps, Sight
from jobs.backfill.losses import Losses
from jobs.backfill.options import Options
from jobs.backfill.positions import (
    CLOCKS,
    Positions,
    archived_positions,
    last_seen,
    left_to_the_stream,
)
from jobs.backfill.steps import ROWS, Step, Work
from jobs.backfill.stream import StreamFacts, stream_facts, wait_until_settled
from jobs.backfill.windows import window
from jobs.instants import iso, now
from jobs.settings import Settings, SettingsError
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.bounded import Stretch, StretchReader
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Lost
from jobs.sources.kinesis.options import Limits

log = structlog.get_logger()

COLUMNS = ["data", "shardId", "sequenceNumber"]


@dataclass(frozen=True)
class KinesisInput:
    """The window from ``since`` (None: from the oldest record that the stream holds) to ``until`` of the conf's stream.

    ``storage`` is the archive. ``again``: all of it, not only what no delivery record covers.
    """

    settings: Settings
    storage: Storage
    since: datetime | None
    until: datetime
    again: bool
    kind = "backfill"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The stream and the window."""
        since = iso(self.since) if self.since else TRIM_HORIZON
        window = {"since": since, "until": iso(self.until), "again": self.again}
        return {"from": "kinesis", "stream": self.settings.source.stream, **window}

    @property
    def renews(self) -> bool:
        """What is archived already is left alone: a later run takes what is a gap by then."""
        return not self.again

    @property
    def lease(self) -> str:
        """Two runs on one stream would take the same gap for theirs, whatever their windows."""
        return f"kinesis-{self.settings.source.stream}"

    def plan(self) -> None:
        """Nothing is fixed, gaps are found anew at every start. Raises WindowExpired, StreamMissing."""
        if self.since is not None:
            self._facts().refuse_expired(self.since)

    def total(self, _plan: Any) -> None:
        """A stream has no files."""

    def steps(self, work: Work) -> Iterator[Step]:
        """The steps that are archived, then what is a gap still: a range per shard and step, bounded like a batch.

        A run that goes on finds the gaps as they were, but for what it has archived, and cuts them into the same steps.
        Raises SourceError's children, CoverageUnknown, CheckpointError.
        """
        number = 0
        while (record := work.archived(number)) is not None:
            yield Step(record.source, record.counts.read, _nothing)
            number += 1
        facts = self._facts()
        wait_until_settled(facts, self.until)
        api, limits = self._api()
        losses = Losses(facts.stream, self.settings.source.fail_on_data_loss, facts.horizon)
        gaps, gone = self._gaps(api, limits, facts, work.run_id, losses)
        if gone:
            yield self._step(gone, {shard: Stretch([], SHARD_END) for shard in gone}, losses.found)
        with ThreadPoolExecutor(limits.threads, thread_name_prefix="backfill") as pool:
            while gaps:
                read = dict(zip(gaps, pool.map(partial(self._read, api, limits, gaps), gaps), strict=True))
                yield self._step(gaps, read, losses.found)
                gaps = _left(gaps, read)

    def _facts(self) -> StreamFacts:
        return stream_facts(self.settings.source.stream, self.settings.source.region, now())

    def _api(self) -> tuple[StreamApi, Limits]:
        source = self.settings.source
        limits = Limits(
            source.max_records_per_batch, source.max_bytes_per_batch, retry_attempts=source.retry_attempts
        )
        api = StreamApi(source.stream, source.region, limits.retry_attempts, limits.threads)
        api.connect()
        return api, limits

    def _gaps(
        self, api: StreamApi, limits: Limits, facts: StreamFacts, run_id: str, losses: Losses
    ) -> tuple[Gaps, Gaps]:
        """What is to be read, and what of shards that have left the stream can't be read any more."""
        shards = api.shards()
        # Before the delivery records are read: what the job commits meanwhile is in one of the two, or in both.
        streams = {} if self.again else self._streams(facts, list(shards))
        covered = self._covered(facts, run_id)
        for shard, positions in streams.items():
            covered.setdefault(shard, []).append(positions)
        since = max(self.since, facts.created) if self.since else None
        sight = Sight(api, limits, since, self.until, facts.horizon, losses)
        return sight.gaps(shards, covered), sight.unread(self._gone(api, set(covered) - set(shards)), covered)

    def _gone(self, api: StreamApi, unlisted: set[str]) -> set[str]:
        """Those that have left the stream, and weren't born since the shards were listed; none of them matters to a window."""
        return unlisted - set(api.shards()) if unlisted and self.since is None else set()

    def _streams(self, facts: StreamFacts, shards: list[str]) -> dict[str, Positions]:
        checkpoint = self.settings.archive.open_checkpoint()
        left = left_to_the_stream(checkpoint, self.storage.uri, facts.stream, facts.created, shards)
        if left:
            log.info("backfill.left_to_the_stream", shards=left)
        return left

    def _covered(self, facts: StreamFacts, run_id: str) -> dict[str, list[Positions]]:
        """What delivery records cover; of all the window again only what this run has archived of it."""
        since = self.since or facts.horizon
        if self.since is None and not self.again:
            since = last_seen(self.storage, facts.stream, since, facts.created)
        only_run = run_id if self.again else None
        # A batch from before the stream was created read an earlier one of that name.
        return archived_positions(self.storage, facts.stream, max(since - CLOCKS, facts.created), only_run)

    def _read(self, api: StreamApi, limits: Limits, gaps: Gaps, shard: str) -> Stretch:
        gap, share = gaps[shard][0], len(gaps)
        reader = StretchReader(
            api,
            limits,
            shard,
            gap.after.position,
            gap.to.position,
            fail_on_data_loss=self.settings.source.fail_on_data_loss,
        )
        return reader.read(max(1, limits.max_records // share), max(1, limits.max_bytes // share))

    def _step(self, gaps: Gaps, read: Mapping[str, Stretch], found: Lost) -> Step:
        """A step of these stretches. What was ``found`` lost of their shards before goes into it, and out of there."""
        lost = {shard: stretch.lost for shard, stretch in read.items() if stretch.lost}
        lost |= {shard: {**lost.get(shard, {}), **found.pop(shard)} for shard in read if shard in found}
        shards = {
            shard: {"after": gaps[shard][0].after.position, "to": stretch.to}
            for shard, stretch in read.items()
        }
        rows = [batch.select(COLUMNS) for stretch in read.values() for batch in stretch.rows]
        source = {"stream": self.settings.source.stream, "shards": shards, **({"lost": lost} if lost else {})}
        return Step(source, sum(stretch.records for stretch in read.values()), partial(_frame, rows))


def open_kinesis(options: Options, settings: Settings, storage: Storage) -> KinesisInput:
    """The input that the options ask for. Raises SettingsError."""
    present = now()
    asked = window(options, present, ends=True)
    if asked.since is None and not options.catch_up:
        raise SettingsError("--from kinesis needs --since, or --catch-up for all that the stream holds")
    assert asked.until is not None, "it ends"
    if asked.until > present:
        raise SettingsError(f"--until {iso(asked.until)} lies in the future: a stream can't be read ahead")
    since = None if options.catch_up else asked.since
    return KinesisInput(settings, storage, since, asked.until, options.again)


def _left(gaps: Gaps, read: Mapping[str, Stretch]) -> Gaps:
    """What of the gaps is unread, once their first stretches are read."""
    left = {shard: _rest(of_shard, read[shard].to) for shard, of_shard in gaps.items()}
    return {shard: of_shard for shard, of_shard in left.items() if of_shard}


def _rest(gaps: list[Range], to: Any) -> list[Range]:
    first, *others = gaps
    if to == first.to.position:
        return others
    return [Range(Edge((int(to), 0.0), to), first.to), *others]


def _frame(rows: list[pa.RecordBatch], spark: SparkSession) -> DataFrame:
    if not rows:
        return _nothing(spark)
    return spark.createDataFrame(pa.Table.from_batches(rows))


def _nothing(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], ROWS)
