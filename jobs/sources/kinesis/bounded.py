"""Reading a bounded stretch of one shard: to an end that is known beforehand, or until it is enough."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count

import pyarrow as pa
import pyarrow.compute as pc

from jobs.sources.kinesis.api import Page, StreamApi
from jobs.sources.kinesis.cursor import Cursor
from jobs.sources.kinesis.errors import IteratorExpired, KinesisUnavailable
from jobs.sources.kinesis.offsets import Position, instant_of, is_sequence
from jobs.sources.kinesis.options import MAX_PAGE, Limits
from jobs.sources.kinesis.pace import Pace
from jobs.sources.kinesis.patience import patiently
from jobs.sources.kinesis.records import data_bytes, sequence_at

# One empty answer at the tip says that there is nothing more; a second one costs little.
LOOKS_AT_TIP = 2


@dataclass(frozen=True)
class Stretch:
    """What was read of a shard: rows, and the position up to which that is everything but what is ``lost``.

    ``lost`` is ``{after, to}``, between which positions records expired unread or may have; empty where none did.
    """

    rows: list[pa.RecordBatch]
    to: Position
    lost: dict[str, Position] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many rows there are."""
        return sum(batch.num_rows for batch in self.rows)


def first_after(api: StreamApi, shard: str, position: Position, limits: Limits) -> int | bool:
    """The sequence number of the first record from a position by time on, or from TRIM_HORIZON.

    Where there is none: whether one may still come, which is False of a closed shard. Raises SourceError's children.
    """
    pace, iterator = Pace(limits.calls_per_second), ""

    def look() -> Page:
        nonlocal iterator
        pace.called()
        try:
            iterator = iterator or api.iterator(shard, position)
            return api.page(iterator, 1)
        except IteratorExpired:
            iterator = ""
            raise

    looks = 0
    for empty in count(1):
        page = patiently(api, shard, pace, look)
        if page.records:
            return int(page.records[0]["SequenceNumber"])
        looks += page.lag_ms == 0
        if page.next_iterator is None or looks >= LOOKS_AT_TIP:
            break
        iterator = page.next_iterator
        _check_empty(api, shard, empty, limits)
    return page.next_iterator is not None


class StretchReader:
    """Reads one shard from ``after`` to ``end``, but not more than ``max_records`` and ``max_bytes`` (one row at least).

    ``after`` is any position, ``end`` a sequence number, which is read too, an instant: then what arrived before it is
    read, and it must be long enough past for nothing to follow that arrived before it, or SHARD_END of a shard that is
    closed. Where a stretch ends follows from the records alone, whatever pages they come in.
    """

    def __init__(
        self,
        api: StreamApi,
        limits: Limits,
        shard: str,
        after: Position,
        end: Position,
        *,
        fail_on_data_loss: bool = True,
    ) -> None:
        self.api = api
        self.limits = limits
        self.end = end
        self.cursor = Cursor(shard, after, Pace(limits.calls_per_second), fail_on_data_loss=fail_on_data_loss)

    def read(self, max_records: int, max_bytes: int) -> Stretch:
        """The stretch; raises KinesisUnavailable, ExpiredShard, TrimmedPosition."""
        rows: list[pa.RecordBatch] = []
        records = size = 0
        while True:
            page = self._next(max_records - records)
            if page is None:
                return Stretch(rows, self.end, self.cursor.lost)
            wanted = _before(page, self.end)
            number = min(wanted, max_records - records, _fitting(page, max_bytes - size, at_least=not rows))
            if number:
                rows.append(page.slice(0, number))
                records, size = records + number, size + data_bytes(rows[-1])
            if number < wanted or records >= max_records:
                return Stretch(rows, sequence_at(rows[-1], -1), self.cursor.lost)
            if wanted < page.num_rows or sequence_at(page, -1) == self.end:
                return Stretch(rows, self.end, self.cursor.lost)

    def _next(self, limit: int) -> pa.RecordBatch | None:
        """The next page with records, None at the tip or the end of the shard."""
        looks = empty = 0
        fetch = partial(self.cursor.fetch, self.api, min(MAX_PAGE, limit))
        while not self.cursor.ended and looks < LOOKS_AT_TIP:
            patiently(self.api, self.cursor.shard, self.cursor.pace, fetch)
            page = self.cursor.take(MAX_PAGE, 2**31)
            if page is not None:
                return page
            # A sequence number that was read once is there, and so is a closed shard's end, whatever an empty answer says.
            is_at_tip = self.cursor.lag_ms == 0 and instant_of(self.end) is not None
            looks, empty = looks + is_at_tip, empty + 1
            _check_empty(self.api, self.cursor.shard, empty, self.limits)
        if is_sequence(self.end):
            raise KinesisUnavailable(
                f"Shard {self.cursor.shard} of stream {self.api.stream} ends before position {self.end}, up to which it was "
                "to be read: is it the stream that the delivery records tell of?"
            )
        return None


def _check_empty(api: StreamApi, shard: str, empty: int, limits: Limits) -> None:
    if empty > limits.max_empty_pages:
        raise KinesisUnavailable(
            f"Shard {shard} of stream {api.stream} gave {empty} empty answers in a row. Try again later."
        )


def _before(page: pa.RecordBatch, end: Position) -> int:
    """How many of the page's first rows lie before the end."""
    instant = instant_of(end)
    if instant is not None:
        return _first_since(page, instant)
    if not is_sequence(end) or int(sequence_at(page, -1)) <= int(end):
        return int(page.num_rows)
    return sum(int(number) <= int(end) for number in page.column("sequenceNumber").to_pylist())


def _first_since(page: pa.RecordBatch, instant: datetime) -> int:
    arrived = page.column("approximateArrivalTimestamp")
    row: int = pc.index(pc.greater_equal(arrived, pa.scalar(instant, arrived.type)), True).as_py()
    return page.num_rows if row < 0 else row


def _fitting(page: pa.RecordBatch, room: int, *, at_least: bool) -> int:
    """How many of the first rows hold at most ``room`` bytes of data; one at least, where that is asked for."""
    total = pc.cumulative_sum(pc.cast(pc.binary_length(page.column("data")), pa.int64()))
    return max(int(at_least), int(pc.sum(pc.less_equal(total, room)).as_py() or 0))
