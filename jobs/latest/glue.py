"""The tables in the Glue Data Catalog, described so that engines know them as Delta."""

from collections.abc import Mapping
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
        self._tables = [delta_table(place, schema) for schema in schemas.values()]
        self._is_kept = not conf.enabled

    def keep(self) -> None:
        """Make the entries, or bring them up to date, unless that is done; where Glue can't be had the next pass tries again.

        Raises ``TableElsewhere``.
        """
        if self._is_kept or self._conf.database is None:
            return
        try:
            client = glue_client(self._conf.retry_attempts)
            ensure_described(client, self._conf.database, self._root, self._tables)
            self._is_kept = True
        except CatalogUnavailable as error:
            log.warning(
                "catalog.pending",
                database=self._conf.database,
                tables=len(self._tables),
                reason=error.message,
            )
