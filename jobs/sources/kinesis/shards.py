"""Which shards to read: parents before children, ended ones forgotten in time, lost ones noticed.

Pure functions over an offset and the shards that the stream lists. They rest on two invariants: a stream's start
names every shard listed then, and the entry of an ended shard is dropped only when the stream no longer lists it and
the offset names all of its children. So a listed shard whose parent neither the offset nor the stream knows descends
from a shard that expired before it was read.
"""

from collections.abc import Iterable, Mapping

from jobs.sources.kinesis.api import ListedShard
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Offset, Position

Listed = Mapping[str, ListedShard]


def readable(offset: Mapping[str, Position], listed: Listed) -> list[str]:
    """The shards to read now: listed, not at their end, and every listed parent of theirs at its end."""
    return [
        shard
        for shard, position in offset.items()
        if position != SHARD_END and shard in listed and _parents_ended(listed[shard], offset, listed)
    ]


def grown(offset: Mapping[str, Position], listed: Listed) -> Offset:
    """The offset with the children, at TRIM_HORIZON, all of whose parents are at their end."""
    children = {
        shard.id: TRIM_HORIZON
        for shard in listed.values()
        if shard.id not in offset and _parents_ended(shard, offset, listed)
    }
    return {**offset, **children}


def pending(offset: Mapping[str, Position], listed: Listed) -> list[str]:
    """The listed shards that can't be read yet, because a parent isn't at its end."""
    return [shard.id for shard in listed.values() if not _parents_ended(shard, offset, listed)]


def pruned(offset: Mapping[str, Position], listed: Listed) -> Offset:
    """The offset without the ended shards that the stream no longer lists and whose children it names."""
    needed = {parent for shard in listed.values() if shard.id not in offset for parent in shard.parents}
    return {
        shard: position
        for shard, position in offset.items()
        if position != SHARD_END or shard in listed or shard in needed
    }


def expired(offset: Mapping[str, Position], listed: Listed) -> list[str]:
    """The shards that left the stream before they were read to their end."""
    unread = [shard for shard, position in offset.items() if position != SHARD_END and shard not in listed]
    unknown = {
        parent
        for shard in listed.values()
        if shard.id not in offset
        for parent in shard.parents
        if parent not in offset and parent not in listed
    }
    return unread + sorted(unknown)


def childless(ended: Iterable[str], listed: Listed) -> list[str]:
    """Those of the ended shards whose children the stream doesn't list yet."""
    parents = {parent for shard in listed.values() for parent in shard.parents}
    return [shard for shard in ended if shard not in parents]


def _parents_ended(shard: ListedShard, offset: Mapping[str, Position], listed: Listed) -> bool:
    return all(
        offset.get(parent) == SHARD_END for parent in shard.parents if parent in listed or parent in offset
    )
