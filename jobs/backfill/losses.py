"""What may have left the stream before anybody archived it: an error, or where that was chosen a log line."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from jobs.sources.kinesis.errors import AFTERWARDS, ExpiredShard, SourceError, TrimmedPosition
from jobs.sources.kinesis.offsets import SHARD_END, Lost, Position, at

log = structlog.get_logger()


@dataclass(frozen=True)
class Losses:
    """Tells of records of ``stream`` that may be lost, and ends the run where ``fail`` says so.

    ``horizon`` is the instant before which the stream holds nothing any more, ``found`` what the run goes on without.
    """

    stream: str
    fail: bool
    horizon: datetime
    found: Lost = field(default_factory=dict)

    def records_gone(self, shard: str, position: Position) -> None:
        """The oldest record left isn't the next one after what is archived. Raises TrimmedPosition."""
        message = (
            f"Shard {shard} of stream {self.stream} is archived up to {_told(position)}, and the stream doesn't reach back "
            "to there any more: what arrived after that may have expired."
        )
        self._lost(shard, message, TrimmedPosition)
        self.found[shard] = {"after": position, "to": at(self.horizon)}

    def shard_gone(self, shard: str, position: Position) -> None:
        """The shard left the stream, and nobody is known to have read it to its end. Raises ExpiredShard."""
        message = (
            f"Stream {self.stream} no longer holds {shard} after position {_told(position)}, up to which it is archived: "
            "records that weren't read have expired."
        )
        self._lost(shard, message, ExpiredShard)
        self.found[shard] = {"after": position, "to": SHARD_END}

    def shard_quiet(self, shard: str, position: Position) -> None:
        """The shard is open and holds no record: of what was there Kinesis tells nothing, so this is no error."""
        log.warning(
            "backfill.possible_data_loss",
            shard=shard,
            reason=f"Shard {shard} of stream {self.stream} is archived up to {_told(position)} and holds no record any more. "
            "Kinesis doesn't tell whether any arrived in between and expired, or the shard was merely quiet.",
        )

    def _lost(self, shard: str, message: str, error: type[SourceError]) -> None:
        if self.fail:
            raise error(
                f"{message} To archive what is left, run with --set source.fail_on_data_loss=false, {AFTERWARDS}."
            )
        log.warning("source.data_loss", shard=shard, reason=message)


def _told(position: Position) -> str:
    return position["at"] if isinstance(position, dict) else position
