"""One shard being read: from a position, page by page, without losing the unread rest of a page."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa
import structlog

from jobs.instants import iso
from jobs.sources.kinesis.api import Page, StreamApi
from jobs.sources.kinesis.errors import AFTERWARDS, IteratorExpired, TrimmedPosition
from jobs.sources.kinesis.offsets import SHARD_END, Position, at, instant_of, is_sequence
from jobs.sources.kinesis.options import MAX_PAGE
from jobs.sources.kinesis.pace import Pace
from jobs.sources.kinesis.records import data_bytes, rows_within, sequence_at, to_batch

log = structlog.get_logger()

NEAR_TIP_MS = 1_000
# Arrival times are approximate, and given by Kinesis's clock.
ARRIVAL_MARGIN = timedelta(seconds=10)
TRIM_MARGIN = timedelta(minutes=10)
# A record that was read once is visible for good: a few more looks are for a replica that lags and says it is at the tip.
LOOKS_AT_TIP = 25


@dataclass
class Cursor:
    """Reads one shard. One thread at a time may use it.

    ``position`` is where the rows that were taken end. Whatever arrived before ``read_to`` has been taken (None:
    not known). ``lag_ms`` and ``page_rows`` are the newest page's MillisBehindLatest and number of records.
    ``losses`` says in words what was passed over, ``lost`` between which positions, until somebody takes note and empties it.
    """

    shard: str
    position: Position
    pace: Pace
    read_to: datetime | None = None
    fail_on_data_loss: bool = True
    lag_ms: int | None = None
    page_rows: int = 0
    page_full: bool = False
    losses: list[str] = field(default_factory=list)
    lost: dict[str, Position] = field(default_factory=dict)
    _iterator: str | None = None
    _rest: pa.RecordBatch | None = None
    _closing: bool = False
    _proving: bool = False
    _looks: int = 0

    def __post_init__(self) -> None:
        starts = [instant for instant in (self.read_to, instant_of(self.position)) if instant]
        self.read_to = max(starts, default=None)

    @property
    def ended(self) -> bool:
        """Whether the shard is closed and all of it was taken."""
        return self.position == SHARD_END

    @property
    def buffered(self) -> bool:
        """Whether rows can be taken without another call."""
        return self._rest is not None

    @property
    def unproven(self) -> bool:
        """Whether no page has shown yet that the position's own record is still there, or isn't."""
        return self._proving

    @property
    def drained(self) -> bool:
        """Whether asking again at once would most likely give nothing."""
        near_tip = self.lag_ms is not None and self.lag_ms <= (NEAR_TIP_MS if self.page_rows else 0)
        return self.ended or (near_tip and not self.page_full and not self.buffered)

    def fetch(self, api: StreamApi, limit: int) -> None:
        """Gets the next page, to be taken. Raises Transient, KinesisUnavailable, TrimmedPosition.

        An empty page is no end: see ``drained`` and ``ended``.
        """
        if self._overtaken_by_trimming(api):
            self._iterator = None
        if self._iterator is None:
            self._open(api)
        wanted = min(MAX_PAGE, limit + 1 if self._proving else limit)
        self.pace.called()
        try:
            page = api.page(str(self._iterator), wanted)
        except IteratorExpired:
            self._iterator = None
            raise
        self._accept(api, page, wanted)

    def take(self, max_rows: int, max_bytes: int) -> pa.RecordBatch | None:
        """The next rows of the page, as many as fit but at least one; None where there are none. Moves the position."""
        rows = self._rest
        if rows is None:
            return None
        count = min(max_rows, rows.num_rows)
        if data_bytes(rows) > max_bytes:
            count = min(count, rows_within(rows, max_bytes))
        taken = rows.slice(0, count)
        self._rest = rows.slice(count) if count < rows.num_rows else None
        self._move(taken)
        return taken

    def _move(self, taken: pa.RecordBatch) -> None:
        arrived = taken.column("approximateArrivalTimestamp")[-1].as_py() - ARRIVAL_MARGIN
        self.read_to = max(arrived, self.read_to or arrived)
        self.position = SHARD_END if self._closing and not self.buffered else sequence_at(taken, -1)

    def _open(self, api: StreamApi) -> None:
        # AT_SEQUENCE_NUMBER, not AFTER: getting the known record again proves that nothing after it was trimmed.
        self._proving, self._looks = is_sequence(self.position), 0
        self._iterator = api.iterator(self.shard, self.position)
        # Once there is an iterator, so that a call that fails isn't another loss.
        if not self._proving:
            self._check_loss(api)

    def _accept(self, api: StreamApi, page: Page, wanted: int) -> None:
        rows = to_batch(page.records, api.stream, self.shard)
        at_tip = page.next_iterator is None or page.lag_ms == 0
        if self._proving and (rows.num_rows or at_tip):
            if not rows.num_rows and page.next_iterator and self._looks < LOOKS_AT_TIP:
                # Not known to be the tip: the record at the position has to be there, or to be gone for good.
                self._looks += 1
                self.lag_ms, self.page_rows, self.page_full = None, 0, False
                self._iterator = page.next_iterator
                return
            self._prove(api, rows)
        rows = self._unread(rows)
        self.lag_ms, self.page_rows, self.page_full = page.lag_ms, rows.num_rows, len(page.records) >= wanted
        self._iterator, self._closing = page.next_iterator, page.next_iterator is None
        if rows.num_rows:
            self._rest = rows
        elif self._closing:
            self.position = SHARD_END
        elif page.lag_ms == 0 and not self.page_full:
            self.read_to = max(page.asked_at, self.read_to or page.asked_at)

    def _prove(self, api: StreamApi, rows: pa.RecordBatch) -> None:
        self._proving = False
        if not rows.num_rows or sequence_at(rows, 0) != self.position:
            self._check_loss(api)

    def _unread(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Without what was taken already: the record at the position may come late, after it was given up."""
        known, position = 0, self.position
        while (
            is_sequence(position) and known < rows.num_rows and int(sequence_at(rows, known)) <= int(position)
        ):
            known += 1
        return rows.slice(known)

    def _overtaken_by_trimming(self, api: StreamApi) -> bool:
        return (
            is_sequence(self.position)
            and not self._proving
            and self.read_to is not None
            and self.read_to < api.horizon() + TRIM_MARGIN
        )

    def _check_loss(self, api: StreamApi) -> None:
        if self.read_to is None and not is_sequence(self.position):
            return
        horizon = api.horizon()
        if self.read_to is not None and self.read_to > horizon:
            return
        known = (
            f"read to {iso(self.read_to)} for certain"
            if self.read_to
            else "nothing shows how far it was read"
        )
        message = (
            f"Shard {self.shard} of stream {api.stream}: records after position {self.position} may be lost. The "
            f"stream holds nothing older than {iso(horizon)}, this position's record is gone, and {known}."
        )
        if self.fail_on_data_loss:
            raise TrimmedPosition(
                f"{message} To go on from the oldest record left, run with source.fail_on_data_loss=false, "
                f"{AFTERWARDS}."
            )
        self.losses.append(message)
        self.lost = {"after": self.position, **self.lost, "to": at(horizon)}
        log.warning("source.data_loss", shard=self.shard, reason=message)
