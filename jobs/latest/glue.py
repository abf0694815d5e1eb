"""The tables in the Glue Data Catalog, described so that engines know them as Delta."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from jobs.catalog.failures import CatalogUnavailable
from jobs.catalog.glue import CatalogConf, glue_client
from jobs.catalog.tables import ensure_described
from jobs.latest.newest import BUCKET
from schemas import RecordSchema
from schemas.columns import hive_columns

log = structlog.get_logger()

_HIVE = "org.apache.hadoop.hive"


def delta_table(place: str, schema: RecordSchema) -> dict[str, Any]:
    """The ``TableInput`` of the latest state of a record type; ``place`` is where the tables are, without a trailing slash.

    Athena and Trino know a Delta table by ``table_type`` and ``spark.sql.sources.provider``; where it is Spark reads from the
    SerDe's ``path``. All of them take columns and partitions from the table's own log: those here are for people.
    """
    location = f"{place}/{schema.type}"
    columns = [*hive_columns(schema.avro), (BUCKET, "int")]
    return {
        "Name": f"latest_{schema.type}",
        "Description": f"Latest state: {schema.avro.get('doc', '')!s}".strip(),
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "delta",
            "table_type": "DELTA",
            "spark.sql.sources.provider": "delta",
        },
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
            "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
            "OutputFormat": f"{_HIVE}.ql.io.HiveSequenceFileOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": f"{_HIVE}.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"path": location, "serialization.format": "1"},
            },
        },
    }


class Registration:
    """The tables' entries in the catalog that the conf names, if it names one."""

    def __init__(self, conf: CatalogConf, root: str, place: str, schemas: Mapping[str, RecordSchema]) -> None:
        """``root`` is the archive's URI, ``place`` the tables', both without a trailing slash; asks nothing of Glue yet."""
        self._root = root
        self._conf = conf
        self._pending = {type: delta_table(place, schema) for type, schema in schemas.items()}

    def keep(self, exists: Callable[[str], bool]) -> None:
        """Make the entries of the types whose table ``exists``, or bring them up to date, unless that is done.

        Where Glue can't be had the next pass tries again. Raises ``TableElsewhere``.
        """
        if not self._conf.enabled or self._conf.database is None:
            return
        # Engines take a table without a log for a broken one.
        due = {type: table for type, table in self._pending.items() if exists(type)}
        if not due:
            return
        try:
            client = glue_client(self._conf.retry_attempts)
            ensure_described(client, self._conf.database, self._root, due.values())
        except CatalogUnavailable as error:
            log.warning(
                "catalog.pending", database=self._conf.database, tables=len(due), reason=error.message
            )
            return
        self._pending = {type: table for type, table in self._pending.items() if type not in due}
