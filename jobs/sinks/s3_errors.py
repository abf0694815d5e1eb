"""What S3 and botocore say: whether it passes by itself, and in the archive's words what is wrong, where, what to do."""

from typing import TYPE_CHECKING

from jobs.sinks.failures import (
    AccessDenied,
    MissingBucket,
    NoCredentials,
    ObjectExists,
    ObjectMissing,
    StorageError,
    StorageUnreachable,
    WriteConflict,
)

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

# S3 gives most of them with status 503 or 500, other stores of its protocol with others.
_PASSING_CODES = {
    "BandwidthLimitExceeded",
    "ConditionalRequestConflict",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
}
# The archive and the checkpoint have storage of the same kind.
_KEYS = "archive.uri or archive.checkpoint"

CREDENTIAL_CODES = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
_NEEDS = (
    "the role needs s3:PutObject, s3:GetObject, s3:ListBucket and s3:DeleteObject, and of a KMS key that encrypts the bucket "
    "kms:GenerateDataKey and kms:Decrypt"
)
_REGION = f"the bucket is in another region: correct AWS_REGION, {_KEYS}"
_KEY = "its KMS key can't be used: enable it, or correct archive.kms_key_id or the bucket's own key"
_REMEDIES = {
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
    "InvalidObjectState": "the object was moved to a storage class that can't be read at once: restore it",
    "KMS.DisabledException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "KMS.NotFoundException": _KEY,
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
}


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed later: throttling, errors of the service, lost or cut answers."""
    from botocore.exceptions import ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status >= 500 or status == 429 or code in _PASSING_CODES
    # urllib3's own come out of an answer that breaks off while it is read.
    lost = BotoConnectionError | HTTPClientError | HTTPError
    return isinstance(error, lost | IncompleteReadError | FlexibleChecksumError | ResponseParserError)


def translated(
    error: "BotoCoreError | ClientError | ResponseParserError | HTTPError | ValueError",
    bucket: str,
    name: str | None,
) -> StorageError:
    """The ``StorageError`` to raise; ``name`` is the object's URI, or None where the bucket was asked for."""
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _about_object(code, status, name) or _about_access(error, code, status, bucket, name)
    return _unanswered(error, name or f"s3://{bucket}")


def _about_object(code: str, status: int, name: str | None) -> StorageError | None:
    if code in ("PreconditionFailed", "412"):
        return ObjectExists(f"{name} exists already")
    if code in ("ConditionalRequestConflict", "409"):
        return WriteConflict(f"{name} is being written by somebody else, also after bounded retries")
    if name and code != "NoSuchBucket" and status == 404:
        return ObjectMissing(f"there is no {name}")
    return None


def _about_access(
    error: "ClientError", code: str, status: int, bucket: str, name: str | None
) -> StorageError:
    name = name or f"s3://{bucket}"
    if is_passing(error):
        return StorageUnreachable(
            f"S3 failed on {name} ({code or status}), also after bounded retries: start again when S3 has recovered, "
            "nothing is lost; archive.retry_attempts is the bound"
        )
    if status == 404:
        return MissingBucket(f"bucket {bucket} doesn't exist: create it, or correct {_KEYS}")
    if code in CREDENTIAL_CODES:
        return NoCredentials(f"AWS refuses the credentials for {name} ({code}): renew or correct them")
    if remedy := _REMEDIES.get(code) or (_REGION if status == 301 else None):
        return StorageError(f"S3 refused {name} ({code or status}): {remedy}")
    if status == 403:
        return AccessDenied(f"AWS denies access to {name}: {_NEEDS}")
    return StorageError(f"S3 refused {name} ({code or status}): its list of error codes says what that means")


def _unanswered(
    error: "BotoCoreError | ResponseParserError | HTTPError | ValueError", name: str
) -> StorageError:
    from botocore import exceptions as boto

    kind = type(error).__name__
    if is_passing(error):
        return StorageUnreachable(
            f"no answer from S3 for {name} ({kind}), also after bounded retries: check the network and AWS_ENDPOINT_URL; "
            "archive.retry_attempts and archive.timeout_seconds are the bounds"
        )
    lacking = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)
    expired = (boto.SSOError, boto.TokenRetrievalError, boto.ProfileNotFound)
    if isinstance(error, (*lacking, *expired)):
        return NoCredentials(f"no AWS credentials for {name} ({kind}): set them up or run under a role")
    return StorageError(
        f"S3 can't be asked for {name} ({kind}: {error}): correct AWS_REGION, AWS_ENDPOINT_URL, {_KEYS}"
    )
