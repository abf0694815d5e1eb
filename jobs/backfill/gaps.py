"""The gaps of a window: what arrived in a stream between two instants and nobody has archived or will archive."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from jobs.backfill.coverage import BEGINNING, END, TIP, Cut, Edge, Range, uncovered
from jobs.backfill.losses import Losses
from jobs.backfill.positions import Positions
from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.bounded import first_after
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Position, at, instant_of, is_sequence
from jobs.sources.kinesis.options import Limits

Gaps = dict[str, list[Range]]
"""By shard, in order."""


@dataclass(frozen=True)
class Sight:
    """A window over a stream: from ``since``, or, where that is None, from the oldest record there is, up to ``until``.

    ``horizon`` is the instant before which the stream holds nothing any more.
    """

    api: StreamApi
    limits: Limits
    since: datetime | None
    until: datetime
    horizon: datetime
    losses: Losses

    def gaps(self, shards: Iterable[str], covered: Mapping[str, list[Positions]]) -> Gaps:
        """The gaps of these shards, where ``covered`` says what of them is none. Raises SourceError's children.

        A position by time is looked up in the shard, once; all else is arithmetic.
        """
        names = sorted(shards)
        with ThreadPoolExecutor(self.limits.threads, thread_name_prefix="gaps") as pool:
            found = pool.map(lambda shard: self._of_shard(shard, covered.get(shard, [])), names)
            return {shard: gaps for shard, gaps in zip(names, found, strict=True) if gaps}

    def unread(self, gone: Iterable[str], covered: Mapping[str, list[Positions]]) -> Gaps:
        """What may be unread of shards that have left the stream. Raises ExpiredShard."""
        unread = {}
        for shard in sorted(gone):
            ends = [end for _, end in covered[shard]]
            instants = [instant for end in ends if (instant := instant_of(end))]
            # It is gone, so all that it ever held arrived before the horizon.
            if SHARD_END not in ends and not any(instant >= self.horizon for instant in instants):
                last = max(Edge(_cut(end) if is_sequence(end) else BEGINNING, end) for end in ends)
                self.losses.shard_gone(shard, last.position)
                unread[shard] = [Range(last, Edge(END, SHARD_END))]
        return unread

    def _of_shard(self, shard: str, covered: list[Positions]) -> list[Range]:
        if self._is_covered(covered):
            return []
        wanted = Range(self._beginning(shard), self._end(shard))
        known = [Range(self._edge(shard, after), self._edge(shard, to)) for after, to in covered]
        if self.since is None:
            self._check_nothing_expired(shard, wanted, known)
        return uncovered(wanted, known)

    def _is_covered(self, covered: list[Positions]) -> bool:
        """Whether it takes no look into the shard to see that all of it is covered."""
        return any(after == TRIM_HORIZON and to == SHARD_END for after, to in covered)

    def _beginning(self, shard: str) -> Edge:
        if self.since is not None:
            return self._looked_up(shard, at(self.since))
        # Of what arrived since the horizon nothing has expired: the window begins there, wherever the oldest record is.
        number, _ = self._looked_up(shard, TRIM_HORIZON).cut
        return Edge((number, self.horizon.timestamp()), TRIM_HORIZON)

    def _end(self, shard: str) -> Edge:
        """Of a closed shard that holds nothing from ``until`` on its end: that nothing follows is worth knowing."""
        first = first_after(self.api, shard, at(self.until), self.limits)
        return Edge(END, SHARD_END) if first is False else _before(first, at(self.until))

    def _edge(self, shard: str, position: Position) -> Edge:
        """Where a position is, as far as that matters: outside the window all are alike."""
        instant = instant_of(position)
        if instant is None:
            return Edge(_cut(position), position)
        if self.since is not None and instant <= self.since:
            return Edge(BEGINNING, position)
        return Edge(END, position) if instant >= self.until else self._looked_up(shard, position)

    def _looked_up(self, shard: str, position: Position) -> Edge:
        return _before(first_after(self.api, shard, position, self.limits), position)

    def _check_nothing_expired(self, shard: str, wanted: Range, known: list[Range]) -> None:
        oldest = wanted.after
        before = max((one.to for one in known if one.to <= oldest), default=None)
        if before is None or any(one.after <= oldest < one.to for one in known):
            return
        if oldest.cut[0] == TIP and wanted.to.position != SHARD_END:
            self.losses.shard_quiet(shard, before.position)
        else:
            self.losses.records_gone(shard, before.position)


def _before(first: int | bool, position: Position) -> Edge:
    """The edge before the first record from a position by time on, or, without one, behind all records."""
    instant = instant_of(position)
    return Edge(
        (TIP if isinstance(first, bool) else first - 1, instant.timestamp() if instant else 0.0), position
    )


def _cut(position: Position) -> Cut:
    if is_sequence(position):
        return int(position), 0.0
    return BEGINNING if position == TRIM_HORIZON else END
