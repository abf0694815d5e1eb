"""What can go wrong with the catalog; none of it endangers what is archived."""

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.errors import PipelineError


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
