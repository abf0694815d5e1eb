"""The stream and its shards in plain words."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from jobs.doctor.stream import LOOK_SECONDS, ShardState, StreamState
from jobs.doctor.words import in_words
from jobs.instants import iso
from jobs.plural import plural
from jobs.sources.kinesis.offsets import SHARD_END, Offset, Position, is_sequence
from jobs.sources.kinesis.progress import Evidence


def of_stream(name: str, start: Mapping[str, Any] | None, stream: StreamState, at: datetime) -> Iterator[str]:
    """The stream, and a line per shard; ``start`` is what the checkpoint keeps of where it began."""
    begun = f", read since {start['start']} ({start['resolved']})" if start and "resolved" in start else ""
    keeps = in_words(stream.retention)
    yield f"Stream: {name}, keeps records for {keeps}, {plural(len(stream.shards), 'shard')}{begun}"
    yield from (f"  {shard.shard}: {_of_shard(shard, stream, at)}" for shard in stream.shards)


def of_positions(offset: Offset, evidence: Evidence, at: datetime) -> Iterator[str]:
    """Where a checkpoint stands, a line per shard, where the stream can't be looked at."""
    yield "Where the checkpoint stands in its stream:"
    for shard, position in sorted(offset.items()):
        yield f"  {shard}: {_of_position(position, evidence.read_to(shard, position), at)}"


def of_not_found(shard: ShardState, stream: StreamState, at: datetime) -> str:
    """A warning about a shard whose oldest unread record wasn't found."""
    assert shard.oldest_unread is not None
    expires = shard.oldest_unread + stream.retention
    unproven = "; nor is it known whether records before it are lost" if shard.unproven else ""
    return (
        f"{shard.shard} gave empty answers alone for up to {LOOK_SECONDS:.0f} seconds, its oldest unread record was not found. It "
        f"expires in {in_words(expires - at)} at the earliest: start the job before {iso(expires)}, or lengthen the "
        f"stream's retention period{unproven}"
    )


def _of_shard(shard: ShardState, stream: StreamState, at: datetime) -> str:
    if shard.waits:
        read = "waits for its parent shards to be read"
    else:
        read = _of_position(shard.position, shard.read_to, at)
    if shard.position == SHARD_END:
        return read
    if shard.loss:
        return f"{read}; records after it are lost or may be"
    if shard.oldest_unread is None:
        return f"{read}; nothing unread"
    behind = in_words(shard.behind or timedelta())
    if not shard.found:
        return f"{read}; {behind} behind, its oldest unread record was not found"
    left = in_words(shard.oldest_unread + stream.retention - at)
    return f"{read}; {behind} behind, its oldest unread record is kept for {left} more"


def _of_position(position: Position, read_to: datetime | None, at: datetime) -> str:
    """The position and its age: how long ago nothing lay after it that had arrived."""
    if position == SHARD_END:
        return "read to its end"
    if is_sequence(position):
        return f"read to {position}, {f'{in_words(at - read_to)} old' if read_to else 'of unknown age'}"
    return f"not read yet, begins at {position['at'] if isinstance(position, dict) else position}"
