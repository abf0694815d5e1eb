"""Positions in shards, and the offset of a batch: the position of every shard.

An offset is JSON, keys in order: ``{"#records": count, shardId: position}``. The count, of the records read since
the checkpoint's start, tells of two offsets how many lie between them, whatever a replay finds. Where the batch that the
offset ends passed over lost records, ``"#lost"`` says between which positions. ``"#reader"`` says whose reading it is. A
position is one of

* a sequence number: everything up to this record, itself included, has been read;
* ``"SHARD_END"``: the shard is closed and read to its end;
* ``{"at": instant}``: nothing has been read yet, reading begins with the first record that arrived then or later;
* ``"TRIM_HORIZON"``: nothing has been read yet, reading begins with the oldest record.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeGuard

from jobs.instants import from_iso, iso
from jobs.sources.kinesis.errors import BadOption

Position = str | dict[str, str]
Offset = dict[str, Position]
LoggedOffset = dict[str, Any]
Lost = dict[str, dict[str, Position]]
"""``{shardId: {"after": position, "to": position}}``: between these records expired unread, or may have."""

# No shard's id: these are made of letters, digits, "_", "." and "-".
_OURS = "#"
RECORDS = f"{_OURS}records"
LOST = f"{_OURS}lost"
READER = f"{_OURS}reader"
SHARD_END = "SHARD_END"
TRIM_HORIZON = "TRIM_HORIZON"


def at(instant: datetime) -> Position:
    """The position of the first record that arrived at ``instant`` or later (to the millisecond)."""
    return {"at": iso(instant)}


def is_sequence(position: Position) -> TypeGuard[str]:
    """Whether the position is a sequence number.

    >>> [is_sequence(p) for p in ("49", "SHARD_END", "TRIM_HORIZON", {"at": "2026-03-01"})]
    [True, False, False, False]
    """
    return isinstance(position, str) and position.isdecimal()


def instant_of(position: Position) -> datetime | None:
    """The instant of an ``{"at": …}`` position, else None."""
    return from_iso(position["at"]) if isinstance(position, dict) else None


def reached(position: Position, known: Position) -> bool:
    """Whether ``position`` is ``known`` or lies after it; sequence numbers are compared as numbers.

    >>> reached("100", "99"), reached("99", "100"), reached("7", "TRIM_HORIZON"), reached("TRIM_HORIZON", "7")
    (True, False, True, False)
    """
    if position == known:
        return True
    if not is_sequence(position) or known == SHARD_END:
        return position == SHARD_END
    return not is_sequence(known) or int(known) <= int(position)


def ordered(offset: Mapping[str, Position]) -> Offset:
    """The offset with its shards in order, so that the same offset is the same JSON."""
    return dict(sorted(offset.items()))


def to_json(offset: Mapping[str, Position]) -> str:
    """The offset as one line of JSON."""
    return json.dumps(ordered(offset), separators=(",", ":"))


def from_json(text: str) -> Offset:
    """The offset that ``to_json`` wrote, or the positions of one that Spark logged; else raises BadOption."""
    try:
        offset = json.loads(text)
        if isinstance(offset, dict):
            offset = positions(offset)
        if not isinstance(offset, dict) or not all(_is_position(position) for position in offset.values()):
            raise ValueError("not an offset")
    except ValueError as error:
        raise BadOption(
            "Option initialOffset of the Kinesis source isn't an offset: pass what load_or_keep_start returns."
        ) from error
    return ordered(offset)


def _is_position(position: object) -> bool:
    if isinstance(position, dict):
        from_iso(position["at"] if set(position) == {"at"} else "")
        return True
    return isinstance(position, str) and (position in (SHARD_END, TRIM_HORIZON) or is_sequence(position))


def positions(logged: Mapping[str, Any]) -> Offset:
    """The positions of an offset as Spark logs it, without what else it says.

    >>> positions({"#records": 2, "a": "3"})
    {'a': '3'}
    """
    return {shard: position for shard, position in logged.items() if not shard.startswith(_OURS)}


def counted(
    offset: Mapping[str, Position], records: int, lost: Lost | None = None, reader: str | None = None
) -> LoggedOffset:
    """The offset as Spark logs it, ``records`` having been read up to there since the checkpoint's start.

    ``lost`` is what the batch that ends there passed over, ``reader`` the id of who read it.
    """
    lost_there = {LOST: dict(sorted(lost.items()))} if lost else {}
    return {**lost_there, **({READER: reader} if reader else {}), RECORDS: records, **offset}


def lost_in(logged: Mapping[str, Any]) -> Lost:
    """What the batch that ends at an offset that Spark logged passed over."""
    lost: Lost = logged.get(LOST, {})
    return lost


def reader_of(logged: Mapping[str, Any]) -> str | None:
    """The id of the reader that read the batch that ends at an offset that Spark logged, None where it has none."""
    return logged.get(READER)


def count(logged: Mapping[str, Any]) -> int:
    """The records read up to an offset that Spark logged; where it doesn't say, counting begins there."""
    records: int = logged.get(RECORDS, 0)
    return records


def records_between(start: Mapping[str, Any], end: Mapping[str, Any]) -> int | None:
    """How many records lie between two offsets that Spark logged, None where the later one doesn't count.

    >>> records_between({"#records": 2, "a": "3"}, {"#records": 9, "a": "10"}), records_between({"a": "3"}, {"a": "4"})
    (7, None)
    """
    return count(end) - count(start) if RECORDS in end else None


def ranges(start: Mapping[str, Any], end: Mapping[str, Any]) -> dict[str, dict[str, Position]]:
    """What a batch read of each shard: ``{shardId: {"after": position, "to": position}}`` of the shards that moved.

    A shard that ``start`` doesn't name was discovered in the batch and read from its beginning.

    >>> ranges({"a": "1", "b": "5"}, {"#records": 4, "a": "3", "b": "5", "c": "9"})
    {'a': {'after': '1', 'to': '3'}, 'c': {'after': 'TRIM_HORIZON', 'to': '9'}}
    """
    ends = sorted(positions(end).items())
    moved = {shard: (start.get(shard, TRIM_HORIZON), position) for shard, position in ends}
    return {shard: {"after": after, "to": to} for shard, (after, to) in moved.items() if after != to}
