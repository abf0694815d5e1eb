"""Kinesis's error answers, sorted into those worth a retry and the others."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from jobs.sources.kinesis.errors import (
    IteratorExpired,
    KinesisUnavailable,
    ShardMissing,
    StreamMissing,
    Transient,
)

_THROTTLED = {"ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException"}
_THROTTLED |= {"KMSThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "Throttling"}
_PASSING = _THROTTLED | {
    "InternalFailure",
    "InternalFailureException",
    "ServiceUnavailable",
    "RequestTimeout",
    "ResourceInUseException",  # the stream is being changed
    "ExpiredNextTokenException",  # of a listing that took too long: it is made anew
}
_CREDENTIALS = "renew or correct the credentials"
_KEY = "the role needs kms:Decrypt of the stream's key, which must be enabled"
_REMEDIES = {
    "AccessDeniedException": "the role needs kinesis:GetRecords, GetShardIterator, ListShards and DescribeStreamSummary",
    "ExpiredTokenException": _CREDENTIALS,
    "IncompleteSignature": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidSignatureException": f"{_CREDENTIALS}, or set this machine's clock",
    "UnrecognizedClientException": _CREDENTIALS,
    "KMSAccessDeniedException": _KEY,
    "KMSDisabledException": _KEY,
    "KMSInvalidStateException": _KEY,
    "KMSNotFoundException": _KEY,
    "KMSOptInRequired": _KEY,
    "InvalidArgumentException": "a position that isn't this stream's has this answer: run jobs.doctor",
}


@contextmanager
def explained(stream: str) -> Iterator[None]:
    """Raises botocore's errors as the source's own: Transient, StreamMissing or KinesisUnavailable."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(stream, error) from error
    except (BotoConnectionError, HTTPClientError) as error:
        raise Transient(type(error).__name__) from error
    except NoCredentialsError as error:
        raise KinesisUnavailable(
            "No AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with a role."
        ) from error
    except NoRegionError as error:
        raise KinesisUnavailable("No AWS region: set source.region or AWS_REGION.") from error
    except (BotoCoreError, ValueError) as error:
        # A ValueError is what botocore makes of an endpoint that is no URL.
        raise KinesisUnavailable(f"Kinesis can't be asked about stream {stream}: {error}") from error


def _of_answer(stream: str, error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ExpiredIteratorException":
        return IteratorExpired(code)
    if code in _PASSING or status >= 500 or status == 429:
        return Transient(code)
    if code == "ResourceNotFoundException" and error.operation_name in ("GetRecords", "GetShardIterator"):
        return ShardMissing(code)
    if code == "ResourceNotFoundException":
        return StreamMissing(
            f"There is no Kinesis stream {stream} in this account and region: "
            "check source.stream, source.region and the credentials."
        )
    detail = error.response.get("Error", {}).get("Message", "")
    remedy = _REMEDIES.get(code, "see what it says")
    return KinesisUnavailable(
        f"Kinesis refused {error.operation_name} on stream {stream} ({code}): {remedy}. It says: {detail}"
    )
