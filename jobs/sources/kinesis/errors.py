"""What can go wrong with the stream, as errors that say what to do."""

from jobs.errors import PipelineError

AFTERWARDS = (
    "then archive the missing records by python -m jobs.backfill: --from export, from a DynamoDB export, or "
    "--from kinesis --again where the stream still holds them"
)
"""What is left to do where the job goes on without records that are lost."""


class SourceError(PipelineError):
    """Something is wrong with the Kinesis source; every error of this package derives from it."""


class BadOption(SourceError):
    """An option of the source is unknown, missing or malformed."""


class BadStart(SourceError):
    """``source.start`` is neither LATEST, TRIM_HORIZON nor an ISO-8601 instant in the past."""


class StreamMissing(SourceError):
    """There is no such stream in this account and region."""


class OtherStream(SourceError):
    """The checkpoint belongs to another stream, to an earlier stream of the same name, or to another source."""


class ExpiredShard(SourceError):
    """A shard left the stream before all of it was read: records are lost."""


class TrimmedPosition(SourceError):
    """The stream no longer holds the record at a position, and records after it may be lost with it."""


class ReplayFailed(SourceError):
    """A batch that was read before can't be read again as it was."""


class ReplayUnfinished(SourceError):
    """A batch wasn't read again in the time that there was for it."""


class KinesisUnavailable(SourceError):
    """Kinesis refused or failed a call for good, or for longer than the retries last."""


class Transient(Exception):
    """A call failed in a way that a later try may not; ``code`` is Kinesis's or botocore's word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class IteratorExpired(Transient):
    """A shard iterator is older than its five minutes; a new one from the same position will do."""


class ShardMissing(Transient):
    """Kinesis doesn't know the shard of a call: it may have left the stream."""
