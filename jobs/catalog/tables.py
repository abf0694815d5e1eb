"""The database and its five tables, made and kept as the schemas say."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jobs.catalog.definitions import errors_table, holds, record_table
from jobs.catalog.failures import CatalogMissing, TableElsewhere, asking_glue
from jobs.catalog.partitions import update_partitions
from jobs.sinks.records import Partition
from schemas import RecordSchema

if TYPE_CHECKING:
    from types_boto3_glue import GlueClient


def ensure_tables(
    client: "GlueClient", database: str, root: str, schemas: Mapping[str, RecordSchema]
) -> set[Partition]:
    """Make or update the database, a table per record type, ``errors``, and the schema of every partition.

    ``root`` is the archive's URI without a trailing slash. Asks first and writes only what differs, so it may
    run as often as one likes; parameters that others set stay. Returns the partitions that are registered.
    Raises ``CatalogUnavailable``, and ``TableElsewhere`` rather than turn another archive's table to this one.
    """
    _ensure_database(client, database, root)
    _ensure_table(client, database, errors_table(root))
    for schema in schemas.values():
        _ensure_table(client, database, record_table(root, schema))
    dates = {type: update_partitions(client, database, root, schema) for type, schema in schemas.items()}
    return {(type, date) for type, registered in dates.items() for date in registered}


def _ensure_database(client: "GlueClient", database: str, root: str) -> None:
    with asking_glue(f"database {database}"):
        try:
            client.get_database(Name=database)
        except client.exceptions.EntityNotFoundException:
            described = {"Name": database, "Description": "The demand archive.", "LocationUri": f"{root}/"}
            try:
                client.create_database(DatabaseInput=described)  # type: ignore[arg-type]
            except client.exceptions.AlreadyExistsException:
                return


def _ensure_table(client: "GlueClient", database: str, wanted: dict[str, Any]) -> None:
    name = f"{database}.{wanted['Name']}"
    with asking_glue(f"table {name}"):
        existing = _existing(client, database, wanted["Name"])
        if existing is None:
            try:
                client.create_table(DatabaseName=database, TableInput=wanted)  # type: ignore[arg-type]
                return
            except client.exceptions.AlreadyExistsException:
                existing = client.get_table(DatabaseName=database, Name=wanted["Name"])["Table"]
        _check_place(name, existing, wanted)
        if not holds(existing, wanted):
            merged = {**wanted, "Parameters": {**existing.get("Parameters", {}), **wanted["Parameters"]}}
            client.update_table(DatabaseName=database, TableInput=merged)  # type: ignore[arg-type]


def _existing(client: "GlueClient", database: str, table: str) -> Any:
    try:
        with asking_glue(f"table {database}.{table}"):
            return client.get_table(DatabaseName=database, Name=table)["Table"]
    except CatalogMissing:
        return None


def _check_place(name: str, existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    there = existing.get("StorageDescriptor", {}).get("Location", "")
    here = wanted["StorageDescriptor"]["Location"]
    if there and there.rstrip("/") != here.rstrip("/"):
        raise TableElsewhere(
            f"table {name} describes {there}, not {here}: give this archive another catalog.database, "
            "or drop the table if nobody needs it"
        )
