"""What can go wrong with the catalog; none of it endangers what is archived."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from jobs.errors import PipelineError
from jobs.sinks.s3_retries import insisting

if TYPE_CHECKING:
    from types_boto3_glue import GlueClient

T = TypeVar("T")

# What may pass, but botocore doesn't try again.
_PASSING_CODES = {"ConcurrentModificationException", "OperationTimeoutException"}


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
    """Turn what boto3 raises into a ``CatalogUnavailable`` that says what was asked for."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "EntityNotFoundException":
            raise CatalogMissing(
                f"{what}: the database or table isn't there; run sync_catalog to make it"
            ) from error
        remedy = "grant the role the Glue actions" if "AccessDenied" in code else "it is tried again later"
        raise CatalogUnavailable(f"{what}: Glue refused ({code}); {remedy}") from error
    except BotoCoreError as error:
        kind = type(error).__name__
        raise CatalogSilent(
            f"{what}: no answer from Glue ({kind}); check AWS_REGION, credentials and network"
        ) from error


def insisting_on_glue(client: "GlueClient", change: Callable[[], T]) -> T:
    """What the change returns, made again where somebody else changed the same at that moment or Glue took too long.

    As often as the client tries any call, with the pauses of S3's; all else that passes botocore tries again by itself.
    A change that depends on what is there asks for it in here. Raises botocore's errors.
    """
    config: Any = client.meta.config
    return insisting(change, config.retries["total_max_attempts"], _is_passing)


def _is_passing(error: Exception) -> bool:
    from botocore.exceptions import ClientError

    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _PASSING_CODES
