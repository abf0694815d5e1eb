"""The gaps of a window: what arrived in a stream between two instants and nobody has archived or will archive."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import structlog

from jobs.backfill.coverage import BEGINNING, END, TIP, Cut, Edge, Range, uncovered
from jobs.backfill.positions import Positions
from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.bounded import first_after
from jobs.sources.kinesis.errors import AFTERWARDS, TrimmedPosition
from jobs.sources.kinesis.offsets import SHARD_END, TRIM_HORIZON, Position, at, instant_of, is_sequence
from jobs.sources.kinesis.options import Limits

log = structlog.get_logger()

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
    fail_on_data_loss: bool

    def gaps(self, shards: Iterable[str], covered: Mapping[str, list[Positions]]) -> Gaps:
        """The gaps of these shards, where ``covered`` says what of them is none. Raises SourceError's children.

        A position by time is looked up in the shard, once; all else is arithmetic.
        """
        names = sorted(shards)
        with ThreadPoolExecutor(self.limits.threads, thread_name_prefix="gaps") as pool:
            found = pool.map(lambda shard: self._of_shard(shard, covered.get(shard, [])), names)
            return {shard: gaps for shard, gaps in zip(names, found, strict=True) if gaps}

    def _of_shard(self, shard: str, covered: list[Positions]) -> list[Range]:
        if self._is_covered(covered):
            return []
        wanted = Range(self._beginning(shard), self._looked_up(shard, at(self.until)))
        known = [Range(self._edge(shard, after), self._edge(shard, to)) for after, to in covered]
        gaps = uncovered(wanted, known)
        if gaps and gaps[0].after is wanted.after and self.since is None:
            self._check_nothing_expired(shard, gaps[0], known)
        return gaps

    def _is_covered(self, covered: list[Positions]) -> bool:
        """Whether it takes no look into the shard to see that all of it is covered."""
        return any(after == TRIM_HORIZON and to == SHARD_END for after, to in covered)

    def _beginning(self, shard: str) -> Edge:
        if self.since is not None:
            return self._looked_up(shard, at(self.since))
        # The last of all cuts before the oldest record: a position by time from before it is none of the window's.
        number, _ = self._looked_up(shard, TRIM_HORIZON).cut
        return Edge((number, float("inf")), TRIM_HORIZON)

    def _edge(self, shard: str, position: Position) -> Edge:
        """Where a position is, as far as that matters: outside the window all are alike."""
        instant = instant_of(position)
        if instant is None:
            return Edge(_cut(position), position)
        if instant <= (self.since or self.horizon):
            return Edge(BEGINNING, position)
        return Edge(END, position) if instant >= self.until else self._looked_up(shard, position)

    def _looked_up(self, shard: str, position: Position) -> Edge:
        instant = instant_of(position)
        tie = instant.timestamp() if instant else 0.0
        first = first_after(self.api, shard, position, self.limits)
        if isinstance(first, bool):
            return Edge((TIP, tie) if first else END, position)
        return Edge((first - 1, tie), position)

    def _check_nothing_expired(self, shard: str, gap: Range, known: list[Range]) -> None:
        before = max((one.to for one in known if one.to <= gap.after), default=None)
        if before is None:
            return
        message = (
            f"Shard {shard} of stream {self.api.stream} is archived up to {before.position}, and the stream doesn't reach back "
            "to there any more: what arrived after that may have expired."
        )
        if self.fail_on_data_loss:
            raise TrimmedPosition(
                f"{message} To archive what is left, run with --set source.fail_on_data_loss=false, {AFTERWARDS}."
            )
        log.warning("source.data_loss", shard=shard, reason=message)


def _cut(position: Position) -> Cut:
    if is_sequence(position):
        return int(position), 0.0
    return BEGINNING if position == TRIM_HORIZON else END
