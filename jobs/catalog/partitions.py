"""Partitions in Glue, a hundred a call: registered once, and brought along when a schema grows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from jobs.catalog.definitions import literal, partition
from jobs.catalog.failures import (
    CatalogMissing,
    CatalogSilent,
    CatalogUnavailable,
    asking_glue,
    insisting_on_glue,
)
from jobs.sinks.records import Partition
from schemas import RecordSchema

if TYPE_CHECKING:
    from types_boto3_glue import GlueClient

A_CALL = 100


def register_partitions(
    client: "GlueClient",
    database: str,
    root: str,
    schemas: Mapping[str, RecordSchema],
    partitions: Iterable[Partition],
    format: str = "avro",
) -> dict[Partition, str | CatalogUnavailable]:
    """Register (type, partition date) pairs; returns those that are still pending, each with the reason.

    ``format`` is that of the archive's containers. A partition that is there already is fine. Whatever Glue says or
    doesn't say, this never raises: a later call with what is pending repairs it. Where Glue gives no answer at all it
    isn't asked any further.
    """
    pending: dict[Partition, str | CatalogUnavailable] = {}
    silent: CatalogSilent | None = None
    for type, dates in _by_type(partitions).items():
        for some in _chunks(sorted(dates)):
            try:
                if silent:
                    raise silent
                codes = _create(client, database, root, schemas.get(type), some, format)
                pending |= {(type, date): code for date, code in codes.items()}
            except CatalogUnavailable as error:
                silent = error if isinstance(error, CatalogSilent) else None
                pending |= {(type, date): error for date in some}
    return pending


def update_partitions(
    client: "GlueClient", database: str, root: str, schema: RecordSchema, format: str = "avro"
) -> set[str]:
    """Give every registered partition of a record type the present schema; returns their dates.

    Late dates land in old partitions, so these must know new attributes as well. Only those whose schema
    differs are written. Raises ``CatalogUnavailable``.
    """
    what = f"partitions of {database}.{schema.type}"
    with asking_glue(what):
        registered = list(_registered(client, database, schema.type))
        outdated = [one for one in registered if literal(one) != schema.avro_text]
        for some in _chunks(outdated):
            entries: Any = [_update(root, schema, one, format) for one in some]
            update = partial(
                client.batch_update_partition, DatabaseName=database, TableName=schema.type, Entries=entries
            )
            answer = insisting_on_glue(client, update)
            _check_updated(what, answer.get("Errors", []))
    return {one["Values"][0] for one in registered}


def registered_partitions(client: "GlueClient", database: str, types: Iterable[str]) -> set[Partition]:
    """Every (type, partition date) that the catalog holds; none where a table or the database isn't there.

    Raises ``CatalogUnavailable``.
    """
    found: set[Partition] = set()
    for type in types:
        try:
            with asking_glue(f"partitions of {database}.{type}"):
                found |= {(type, one["Values"][0]) for one in _registered(client, database, type)}
        except CatalogMissing:
            continue
    return found


def _create(
    client: "GlueClient",
    database: str,
    root: str,
    schema: RecordSchema | None,
    dates: Sequence[str],
    format: str,
) -> dict[str, str]:
    """Dates that Glue refused, each with the code it gave."""
    if schema is None:
        return dict.fromkeys(dates, "no schema has this type any more")
    inputs: Any = [partition(root, schema, date, format) for date in dates]
    with asking_glue(f"partitions of {database}.{schema.type}"):
        create = partial(
            client.batch_create_partition,
            DatabaseName=database,
            TableName=schema.type,
            PartitionInputList=inputs,
        )
        answer = insisting_on_glue(client, create)
    refused = {
        error["PartitionValues"][0]: error.get("ErrorDetail", {}).get("ErrorCode", "no code")
        for error in answer.get("Errors", [])
    }
    return {date: code for date, code in refused.items() if code != "AlreadyExistsException"}


def _registered(client: "GlueClient", database: str, table: str) -> Iterator[Any]:
    request: Any = {"DatabaseName": database, "TableName": table, "ExcludeColumnSchema": True}
    while True:
        page = insisting_on_glue(client, partial(client.get_partitions, **request))
        yield from page["Partitions"]
        if "NextToken" not in page:
            return
        request["NextToken"] = page["NextToken"]


def _update(root: str, schema: RecordSchema, registered: Mapping[str, Any], format: str) -> dict[str, Any]:
    wanted = partition(root, schema, registered["Values"][0], format)
    wanted["Parameters"] = registered.get("Parameters", {})
    return {"PartitionValueList": registered["Values"], "PartitionInput": wanted}


def _check_updated(what: str, errors: Sequence[Any]) -> None:
    codes = Counter(error.get("ErrorDetail", {}).get("ErrorCode", "no code") for error in errors)
    # Somebody dropped it in between: there is nothing to bring along.
    codes.pop("EntityNotFoundException", None)
    if codes:
        raise CatalogUnavailable(
            f"{what}: Glue kept the older schema of some ({dict(codes)}); it is tried again later"
        )


def _by_type(partitions: Iterable[Partition]) -> dict[str, set[str]]:
    dates: dict[str, set[str]] = {}
    for type, date in sorted(partitions):
        dates.setdefault(type, set()).add(date)
    return dates


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), A_CALL):
        yield items[start : start + A_CALL]
