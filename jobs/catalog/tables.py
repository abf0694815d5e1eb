"""The database and its five tables, made and kept as the schemas say."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from jobs.catalog.definitions import errors_table, format_of, holds, record_table
from jobs.catalog.failures import (
    TableElsewhere,
    TableOfOtherFormat,
    asking_glue,
    insisting_on_glue,
)
from jobs.catalog.partitions import update_partitions
from jobs.sinks.records import Partition
from schemas import RecordSchema

if TYPE_CHECKING:
    from types_boto3_glue import GlueClient


def ensure_tables(
    client: "GlueClient", database: str, root: str, schemas: Mapping[str, RecordSchema], format: str = "avro"
) -> set[Partition]:
    """Make or update the database, a table per record type, ``errors``, and the schema of every partition.

    ``root`` is the archive's URI without a trailing slash, ``format`` that of its containers. Asks first and writes only
    what differs, so it may run as often as one likes; parameters that others set stay. Returns the partitions that are
    registered. Raises ``CatalogUnavailable``, and ``TableElsewhere`` or ``TableOfOtherFormat`` rather than turn a table of
    another archive to this one, or one that reads the other format.
    """
    ensure_described(client, database, root, _described(root, schemas, format))
    dates = {
        type: update_partitions(client, database, root, schema, format) for type, schema in schemas.items()
    }
    return {(type, date) for type, registered in dates.items() for date in registered}


def check_tables(
    client: "GlueClient", database: str, root: str, schemas: Mapping[str, RecordSchema], format: str = "avro"
) -> None:
    """Raise what ``ensure_tables`` would of the tables that are there; only asks."""
    for wanted in _described(root, schemas, format):
        with asking_glue(f"table {database}.{wanted['Name']}"):
            ask = partial(_existing, client, database, wanted["Name"])
            existing = insisting_on_glue(client, ask)
        if existing is not None:
            _check(f"{database}.{wanted['Name']}", existing, wanted)


def _described(root: str, schemas: Mapping[str, RecordSchema], format: str) -> list[dict[str, Any]]:
    return [errors_table(root), *(record_table(root, schema, format) for schema in schemas.values())]


def ensure_described(
    client: "GlueClient", database: str, root: str, wanted: Iterable[dict[str, Any]]
) -> None:
    """Make or update tables that are described already (``TableInput``), and the database; raises as ``ensure_tables``."""
    _ensure_database(client, database, root)
    for table in wanted:
        _ensure_table(client, database, table)


def _ensure_database(client: "GlueClient", database: str, root: str) -> None:
    with asking_glue(f"database {database}"):
        insisting_on_glue(client, lambda: _bring_database(client, database, root))


def _bring_database(client: "GlueClient", database: str, root: str) -> None:
    try:
        client.get_database(Name=database)
    except client.exceptions.EntityNotFoundException:
        described = {"Name": database, "Description": "The demand archive.", "LocationUri": f"{root}/"}
        try:
            client.create_database(DatabaseInput=described)  # type: ignore[arg-type]
        except client.exceptions.AlreadyExistsException:
            return


def _ensure_table(client: "GlueClient", database: str, wanted: dict[str, Any]) -> None:
    with asking_glue(f"table {database}.{wanted['Name']}"):
        insisting_on_glue(client, lambda: _bring_table(client, database, wanted))


def _bring_table(client: "GlueClient", database: str, wanted: dict[str, Any]) -> None:
    """Asks again what is there each time it is tried: what somebody else set meanwhile stays."""
    name = f"{database}.{wanted['Name']}"
    existing = _existing(client, database, wanted["Name"])
    if existing is None:
        try:
            client.create_table(DatabaseName=database, TableInput=wanted)  # type: ignore[arg-type]
            return
        except client.exceptions.AlreadyExistsException:
            existing = client.get_table(DatabaseName=database, Name=wanted["Name"])["Table"]
    _check(name, existing, wanted)
    if not holds(existing, wanted):
        merged = {**wanted, "Parameters": {**existing.get("Parameters", {}), **wanted["Parameters"]}}
        client.update_table(DatabaseName=database, TableInput=merged)  # type: ignore[arg-type]


def _existing(client: "GlueClient", database: str, table: str) -> Any:
    try:
        return client.get_table(DatabaseName=database, Name=table)["Table"]
    except client.exceptions.EntityNotFoundException:
        return None


def _check(name: str, existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    _check_place(name, existing, wanted)
    _check_format(name, existing, wanted)


def _check_place(name: str, existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    there = existing.get("StorageDescriptor", {}).get("Location", "")
    here = wanted["StorageDescriptor"]["Location"]
    if there and there.rstrip("/") != here.rstrip("/"):
        raise TableElsewhere(
            f"table {name} describes {there}, not {here}: give this archive another catalog.database, "
            "or drop the table if nobody needs it"
        )


def _check_format(name: str, existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    there, here = format_of(existing), format_of(wanted)
    if there and here and there != here:
        raise TableOfOtherFormat(
            f"table {name} reads containers in {there}, and archive.format is {here}: no query reads a partition that holds "
            f"both. Set archive.format back to {there}, or begin another archive (archive.uri, archive.checkpoint and "
            "catalog.database)"
        )
