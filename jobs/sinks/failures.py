"""What can go wrong between the job and the archive."""

from jobs.errors import PipelineError


class StorageError(PipelineError):
    """The archive's storage refused or failed; the base of everything below that isn't about content."""


class BadArchiveUri(StorageError):
    """``archive.uri`` or ``archive.checkpoint`` is neither ``s3://bucket[/prefix]`` nor a local directory."""


class BadKey(StorageError):
    """A key that would leave the archive's root, or that no storage could list again."""


class MissingBucket(StorageError):
    """The bucket doesn't exist, or not in this account and region."""


class AccessDenied(StorageError):
    """The storage knows us and says no."""


class NoCredentials(StorageError):
    """No usable AWS credentials: none found, unknown or expired."""


class StorageUnreachable(StorageError):
    """No answer from the storage within the bounded retries."""


class ObjectExists(StorageError):
    """A conditional PUT met an object of that name."""


class WriteConflict(StorageError):
    """Somebody else is writing an object of that name, and S3 hasn't decided yet."""


class ObjectMissing(StorageError):
    """There is no object of that name."""


class ObjectChanged(StorageError):
    """The object to be replaced is no longer the one that was judged."""


class BadOutcomes(PipelineError):
    """Rows that the sink can't write: no such record type, no body, or a group that comes twice."""


class UnknownCodec(PipelineError):
    """``archive.codec`` isn't one that query engines read."""


class ArchivedObjectDiffers(PipelineError):
    """A replay made other bytes than those a delivery record names (BR-018)."""


class DeliveryRecordDiffers(PipelineError):
    """A replay counted or delivered something else than the delivery record says (BR-018)."""


class DeliveryRecordUnreadable(PipelineError):
    """An object under ``deliveries/`` isn't a delivery record."""


class RecordsExpired(PipelineError):
    """A replay finds fewer change events than its batch had read: the stream no longer holds the others."""


class CountsDiffer(PipelineError):
    """read = archived + failed doesn't hold, so the batch must not be committed."""
