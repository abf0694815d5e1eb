"""The archive's partitions held against the catalog's."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from jobs.catalog import Catalog
from jobs.catalog.glue import glue_client
from jobs.catalog.partitions import registered_partitions
from jobs.settings import CatalogSettings
from jobs.sinks.names import partition_prefix
from jobs.sinks.records import Partition
from jobs.verify.findings import Finding

if TYPE_CHECKING:
    from schemas import RecordSchema


def in_catalog(conf: CatalogSettings, schemas: "Mapping[str, RecordSchema]") -> set[Partition] | None:
    """What Glue holds, None where conf has no catalog. Raises ``CatalogUnavailable``."""
    if not conf.enabled or conf.database is None:
        return None
    return registered_partitions(glue_client(conf.retry_attempts), conf.database, schemas)


def repaired(catalog: Catalog, named: set[Partition], registered: set[Partition]) -> set[Partition]:
    """Register what delivery records name and the catalog doesn't hold; returns what it holds now."""
    pending = catalog.register(sorted(named - registered))
    return registered | named - set(pending)


def check_partitions(
    named: set[Partition], stored: set[Partition] | None, registered: set[Partition]
) -> Iterator[Finding]:
    """What delivery records name and the catalog doesn't hold, and what it holds and no object is in.

    ``stored`` None: not all objects were listed.
    """
    for type, date in sorted(named - registered):
        yield Finding("unregistered", partition_prefix(type, date), 1, "queries don't see it")
    for type, date in sorted(registered - (registered if stored is None else stored)):
        yield Finding("no-data", partition_prefix(type, date), 1, "the catalog holds it")
