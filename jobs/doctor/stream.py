"""The stream as the next start will meet it: how far behind each shard is, and what of it is lost."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobs.instants import now
from jobs.sources.kinesis import shards
from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.cursor import Cursor
from jobs.sources.kinesis.errors import KinesisUnavailable, Transient, TrimmedPosition
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Offset, Position
from jobs.sources.kinesis.options import Limits
from jobs.sources.kinesis.pace import Pace
from jobs.sources.kinesis.progress import Evidence

# For all shards together; each is looked at once at least.
LOOK_SECONDS = 30.0
ATTEMPTS = 5


@dataclass(frozen=True)
class ShardState:
    """A shard: its position, how far behind its tip that is, when the first record that isn't read arrived.

    Whatever arrived before ``read_to`` is read (None: not known). ``waits`` is whether a parent has to be read first,
    ``loss`` says in words what is lost of the shard or may be. Where nothing but empty pages came, the first record that
    isn't read isn't ``found``: it arrived at ``oldest_unread`` or later. Then it may also be ``unproven`` that nothing is
    lost before it.
    """

    shard: str
    position: Position
    behind: timedelta | None = None
    oldest_unread: datetime | None = None
    waits: bool = False
    loss: str | None = None
    read_to: datetime | None = None
    found: bool = True
    unproven: bool = False


@dataclass(frozen=True)
class StreamState:
    """The stream's retention period and the shards that the next start is about."""

    retention: timedelta
    shards: list[ShardState]

    @property
    def losses(self) -> list[str]:
        """What the next start will find lost."""
        return [shard.loss for shard in self.shards if shard.loss]

    @property
    def behind(self) -> timedelta | None:
        """The lag of the worst shard, None where no shard is known to have one."""
        return max((shard.behind for shard in self.shards if shard.behind is not None), default=None)

    @property
    def unread(self) -> list[ShardState]:
        """The shards that have records that aren't read, those with the oldest first."""
        return sorted(
            (shard for shard in self.shards if shard.oldest_unread),
            key=lambda shard: shard.oldest_unread or now(),
        )


def look_at_stream(stream: str, region: str | None, offset: Offset, evidence: Evidence) -> StreamState:
    """The stream from the offset on. Raises SourceError's children where Kinesis doesn't answer."""
    limits = Limits()
    api = StreamApi(stream, region, ATTEMPTS, limits.threads)
    api.connect()
    listed = api.shards()
    grown = shards.grown(offset, listed)
    waiting, gone = shards.pending(grown, listed), shards.expired(offset, listed)
    until = time.monotonic() + LOOK_SECONDS

    def look(shard: str) -> ShardState:
        position = grown.get(shard, TRIM_HORIZON)
        cursor = Cursor(shard, position, Pace(limits.calls_per_second), evidence.read_to(shard, position))
        return replace(_look(api, cursor, until), waits=shard in waiting)

    with ThreadPoolExecutor(limits.threads) as pool:
        states = list(pool.map(look, [*shards.readable(grown, listed), *waiting]))
    states += _unreadable(grown, gone, evidence)
    retention = timedelta(hours=round((now() - api.horizon()) / timedelta(hours=1)))
    return StreamState(retention, sorted(states, key=lambda state: state.shard))


def _unreadable(offset: Mapping[str, Position], gone: list[str], evidence: Evidence) -> Iterator[ShardState]:
    for shard in gone:
        loss = f"Shard {shard} has left the stream before it was read to its end: its last records are lost."
        position = offset.get(shard, TRIM_HORIZON)
        yield ShardState(shard, position, loss=loss, read_to=evidence.read_to(shard, position))
    for shard, position in offset.items():
        if position == SHARD_END:
            yield ShardState(shard, position)


def _look(api: StreamApi, cursor: Cursor, until: float) -> ShardState:
    position, read_to = cursor.position, cursor.read_to
    try:
        found = _found(api, cursor, until)
    except TrimmedPosition as error:
        left = _look(api, Cursor(cursor.shard, TRIM_HORIZON, cursor.pace), until)
        return replace(left, position=position, read_to=read_to, loss=error.message)
    behind = timedelta(milliseconds=cursor.lag_ms or 0)
    rows = cursor.take(1, 1)
    if rows:
        arrived = rows.column("approximateArrivalTimestamp")[0].as_py()
        # What is behind a page begins after its record.
        return ShardState(cursor.shard, position, max(behind, now() - arrived), arrived, read_to=read_to)
    if found:
        return ShardState(cursor.shard, position, behind, read_to=read_to)
    unproven = cursor.unproven and (read_to is None or read_to <= api.horizon())
    earliest = now() - behind
    return ShardState(
        cursor.shard, position, behind, earliest, read_to=read_to, found=False, unproven=unproven
    )


def _found(api: StreamApi, cursor: Cursor, until: float) -> bool:
    """Whether the next record, or that there is none, was found in time."""
    while not (cursor.buffered or cursor.ended or cursor.lag_ms == 0):
        if cursor.lag_ms is not None and time.monotonic() >= until:
            return False
        _insist(cursor, lambda: cursor.fetch(api, 1))
    return True


def _insist(cursor: Cursor, fetch: Callable[[], None]) -> None:
    for attempt in range(ATTEMPTS):
        time.sleep(max(0.0, cursor.pace.due() - time.monotonic()))
        try:
            fetch()
        except Transient as error:
            cursor.pace.failed()
            if attempt == ATTEMPTS - 1:
                raise KinesisUnavailable(
                    f"Shard {cursor.shard} can't be read: {error.code} {ATTEMPTS} times in a row; try again later"
                ) from error
        else:
            cursor.pace.succeeded()
            return
