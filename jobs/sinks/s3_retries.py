"""Which failures of S3 pass by themselves."""

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
