"""What can go wrong with the catalog; none of it endangers what is archived."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from jobs.errors import PipelineError
from jobs.retries import insisting
from jobs.sinks.s3_errors import is_passing

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from types_boto3_glue import GlueClient

T = TypeVar("T")

# Besides those that pass on S3.
_PASSING_CODES = {
    "ConcurrentModificationException",
    "OperationTimeoutException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ThrottledException",
}
_CREDENTIALS = "renew or correct the credentials"
_REMEDIES = {
    "AccessDeniedException": "grant the role the Glue actions, and where Lake Formation rules its permissions too",
    "ExpiredTokenException": _CREDENTIALS,
    "InvalidSignatureException": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "GlueEncryptionException": "let the role use the key of the Data Catalog",
    "InvalidInputException": "see what it says",
    "ResourceNumberLimitExceededException": "have the account's quota raised",
}


class CatalogError(PipelineError):
    """The base of the errors below."""


class CatalogUnavailable(CatalogError):
    """Glue didn't answer, or refused: what was to be done stays to be done."""


class CatalogMissing(CatalogUnavailable):
    """The database or a table isn't there (any more)."""


class CatalogSilent(CatalogUnavailable):
    """No answer at all, after bounded retries: it is no use to ask for more."""


class TableElsewhere(CatalogError):
    """A table of that name describes another place: another archive uses this database."""


class TableOfOtherFormat(CatalogError):
    """A table reads containers of the other format: the conf's format was changed."""


@contextmanager
def asking_glue(what: str) -> Iterator[None]:
    """Raises what boto3 raises as ``CatalogUnavailable``, ``CatalogMissing`` or ``CatalogSilent``; ``what`` was asked for."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refusal(what, error) from error
    except (BotoCoreError, ValueError) as error:
        # A ValueError is what botocore makes of an endpoint that is no URL.
        kind = type(error).__name__
        raise CatalogSilent(
            f"{what}: no answer from Glue ({kind}); check AWS_REGION, credentials and network"
        ) from error


def _refusal(what: str, error: "ClientError") -> CatalogUnavailable:
    told = error.response.get("Error", {})
    code = str(told.get("Code", ""))
    if code == "EntityNotFoundException":
        return CatalogMissing(f"{what}: the database or table isn't there; run sync_catalog to make it")
    remedy = f"{_REMEDIES[code]}; " if code in _REMEDIES else ""
    return CatalogUnavailable(
        f"{what}: Glue refused ({code}): {remedy}the streaming job tries it again by itself. "
        f"It says: {told.get('Message', '')}"
    )


def insisting_on_glue(client: "GlueClient", call: Callable[[], T]) -> T:
    """What the call returns, made again where Glue didn't answer or somebody else changed the same at that moment.

    As often as the client is told to try any call. A change that depends on what is there asks for it in here. Raises
    botocore's errors.
    """
    config: Any = client.meta.config
    return insisting(call, config.retries["total_max_attempts"], _is_passing)


def _is_passing(error: Exception) -> bool:
    from botocore.exceptions import ClientError

    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
    return code in _PASSING_CODES or is_passing(error)
