"""Which failures of S3 pass by themselves, and how these and others' are outlived."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 20.0
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

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status >= 500 or status == 429 or code in _PASSING_CODES
    lost = BotoConnectionError | HTTPClientError
    return isinstance(error, lost | IncompleteReadError | FlexibleChecksumError | ResponseParserError)


def insisting(call: Callable[[], T], attempts: int, may_pass: Callable[[Exception], bool] = is_passing) -> T:
    """What the call returns, after as many attempts as it takes; the last failure where all fail.

    Only what may pass is tried again (by default S3's failures), after pauses that grow from half a second to twenty and
    are shortened at random by up to a half. Raises what the call raises, botocore's errors.
    """
    for attempt in range(1, attempts):
        try:
            return call()
        except Exception as error:
            if not may_pass(error):
                raise
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1))
        time.sleep(random.uniform(longest / 2, longest))
    return call()
