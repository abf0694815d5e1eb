"""Which positions of a stream are archived, or are the streaming job's to archive: what a backfill leaves alone."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from jobs.backfill.errors import BackfillError
from jobs.doctor.checkpoint import read_checkpoint
from jobs.instants import from_iso, iso
from jobs.sinks.deliveries import iter_delivery_records, iter_records_backwards
from jobs.sinks.records import DeliveryRecord
from jobs.sinks.storage import Storage
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Position, positions

Positions = tuple[Position, Position]
"""``(after, to)``: what a delivery record says that its batch read of a shard."""

# A batch's time is later than the arrival of what it read, but for the difference of two clocks.
CLOCKS = timedelta(hours=1)
# A batch names the shards that had records.
LOOK_BACK = timedelta(days=1)


class CoverageUnknown(BackfillError):
    """Delivery records of the stream don't say which positions they cover."""


def archived_positions(
    storage: Storage, stream: str, since: datetime, only_run: str | None = None
) -> dict[str, list[Positions]]:
    """By shard, what delivery records of batches of ``since`` or later cover; of that run alone, if one is given.

    Raises CoverageUnknown where a record of the stream has no positions.
    """
    covered: dict[str, list[Positions]] = {}
    for record in iter_delivery_records(storage, iso(since)):
        if record.source.get("stream") == stream and only_run in (None, record.query_id):
            for shard, after, to in _positions(record):
                _add(covered.setdefault(shard, []), after, to)
    return covered


def last_seen(storage: Storage, stream: str, before: datetime, created: datetime) -> datetime:
    """From when on delivery records tell where the stream stood at ``before``: a day before the last batch until then."""
    for record in iter_records_backwards(storage, iso(before)):
        time = from_iso(record.timestamp)
        if record.source.get("stream") == stream or time < created:
            return time - LOOK_BACK
    return before


def _positions(record: DeliveryRecord) -> Iterator[tuple[str, Position, Position]]:
    if "shards" not in record.source:
        raise CoverageUnknown(
            f"the delivery record of batch {record.batch_id} of {record.query_id} doesn't say which positions of stream "
            f"{record.source['stream']} it covers (source.format aws-kinesis): --again archives all of the window, what is "
            "archived already too"
        )
    for shard, moved in record.source["shards"].items():
        yield shard, moved["after"], moved["to"]


def _add(known: list[Positions], after: Position, to: Position) -> None:
    """Batch follows batch: such neighbours are one range."""
    if known and known[-1][1] == after:
        known[-1] = known[-1][0], to
    else:
        known.append((after, to))


def left_to_the_stream(
    checkpoint: Storage, archive: str, stream: str, created: datetime, shards: Iterable[str]
) -> dict[str, Positions]:
    """By shard, what the streaming job of this archive will archive: all that follows where its checkpoint stands.

    Of a shard that the checkpoint doesn't know that is everything: it descends from one that the job hasn't read to its
    end. So it is of a shard that has left the stream and is known to the checkpoint: the job will say so. Nothing where no job
    has used the checkpoint, or one of another archive or stream. Raises CheckpointError, SourceError.
    """
    state = read_checkpoint(checkpoint)
    if state.settled is None or state.start is None or state.owner != archive:
        return {}
    if state.start["stream"] != stream or from_iso(state.start["created"]) != from_iso(iso(created)):
        return {}
    settled = positions(state.settled)
    return {
        shard: (position, SHARD_END)
        for shard in sorted({*shards, *settled})
        if (position := settled.get(shard, TRIM_HORIZON)) != SHARD_END
    }
