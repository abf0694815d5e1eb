"""Whether a batch that was begun and not archived can be read again as it was: by reading it, as the next start will."""

import time
from dataclasses import dataclass

from jobs.doctor.checkpoint import CheckpointState
from jobs.doctor.stream import ATTEMPTS
from jobs.plural import plural
from jobs.settings import SourceSettings
from jobs.sources.kinesis import records_between
from jobs.sources.kinesis.errors import ReplayFailed, ReplayUnfinished, TrimmedPosition
from jobs.sources.kinesis.offsets import LoggedOffset, positions
from jobs.sources.kinesis.options import Limits, Options
from jobs.sources.kinesis.progress import Evidence
from jobs.sources.kinesis.replay import replay

READ_SECONDS = 30.0


@dataclass(frozen=True)
class Again:
    """What the stream holds of a batch: all of it, unless it is said what is ``lost``, or why that isn't known (``doubt``)."""

    lost: str | None = None
    doubt: str | None = None


def read_again(source: SourceSettings, state: CheckpointState) -> Again:
    """Read the newest batch of a checkpoint again. Raises KinesisUnavailable, StreamMissing."""
    assert state.newest, "a batch was begun"
    assert state.settled is not None, "there is a start"
    assert state.end is not None, "it was logged"
    batch = state.newest.batch_id
    try:
        found = _count(source, state.settled, state.end, state.evidence)
    except (ReplayFailed, TrimmedPosition) as error:
        return Again(lost=error.message)
    except ReplayUnfinished as error:
        return Again(
            doubt=f"in {READ_SECONDS:.0f} seconds it wasn't found whether the stream still holds all of batch {batch}: {error.message}"
        )
    read = records_between(state.settled, state.end)
    if read is None:
        return Again(
            doubt=f"offsets/{batch} doesn't say how many change events batch {batch} had read, some may have expired"
        )
    if found < read:
        return Again(
            lost=f"Batch {batch} had read {plural(read, 'change event')}, and stream {source.stream} holds {found:,} of them: "
            "the others expired before they were archived."
        )
    return Again()


def _count(source: SourceSettings, after: LoggedOffset, end: LoggedOffset, evidence: Evidence) -> int:
    """How many records the stream holds between the two offsets; raises as ``replay``."""
    options = Options(
        source.stream,
        source.region,
        positions(after),
        fail_on_data_loss=True,
        progress_file=None,
        limits=Limits(retry_attempts=ATTEMPTS),
    )
    until = time.monotonic() + READ_SECONDS
    return sum(rows.num_rows for rows in replay(options, evidence, after, end, until))
