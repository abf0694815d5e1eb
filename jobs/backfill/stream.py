"""The stream as a window meets it: what of the window the stream still holds, and whether nothing can join it any more."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from jobs.backfill.errors import BackfillError
from jobs.instants import iso
from jobs.sources.kinesis import kinesis_client
from jobs.sources.kinesis.api import describe
from jobs.sources.kinesis.start import asking, server_clock

log = structlog.get_logger()

# Arrival times are approximate, and a record is visible a moment after Kinesis acknowledged it.
SETTLE = timedelta(seconds=10)


class WindowExpired(BackfillError):
    """The window begins before the oldest record that the stream keeps."""


@dataclass(frozen=True)
class StreamFacts:
    """When the stream was created, how long it keeps records, and the present by the slower of its clock and ours."""

    stream: str
    created: datetime
    retention: timedelta
    present: datetime

    @property
    def horizon(self) -> datetime:
        """The instant before which the stream holds nothing any more."""
        return self.present - self.retention

    def refuse_expired(self, since: datetime) -> None:
        """Raise WindowExpired where a window that begins then isn't in the stream as a whole."""
        if max(since, self.created) < self.horizon:
            raise WindowExpired(
                f"the window begins at {iso(since)}, but stream {self.stream} keeps records for "
                f"{self.retention // timedelta(hours=1)} hours, none from before {iso(self.horizon)}: let it begin later, or take "
                "--catch-up, which begins with the oldest record that is left"
            )


def stream_facts(stream: str, region: str | None, now: datetime) -> StreamFacts:
    """Ask Kinesis; ``now`` is the present by our clock. Raises StreamMissing, KinesisUnavailable."""
    client = kinesis_client(region)
    with asking(stream):
        summary = describe(client, stream)
    present = min(now, server_clock(summary, now))
    retention = timedelta(hours=summary["RetentionPeriodHours"])
    return StreamFacts(stream, summary["StreamCreationTimestamp"], retention, present)


def wait_until_settled(
    facts: StreamFacts, until: datetime, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait for the moment from which on nothing can arrive before ``until``: some seconds at most."""
    left = (until + SETTLE - facts.present).total_seconds()
    if left > 0:
        log.info("backfill.waits", seconds=round(left, 1))
        sleep(left)
