"""The archive's catalog as the jobs use it: in Glue, or none at all."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from jobs.catalog import partitions, tables
from jobs.catalog.failures import CatalogError, CatalogMissing, CatalogUnavailable, asking_glue
from jobs.sinks.deliveries import iter_delivery_records
from jobs.sinks.records import Partition
from jobs.sinks.storage import Storage
from schemas import RecordSchema

if TYPE_CHECKING:
    from types_boto3_glue import GlueClient

log = structlog.get_logger()


class Catalog(Protocol):
    """What a batch needs of a catalog."""

    def ensure_tables(self) -> None:
        """Bring the tables to what the schemas say.

        Raises ``TableElsewhere`` or ``TableOfOtherFormat``, but nothing for an outage.
        """

    def bring_up_to_date(self) -> None:
        """``ensure_tables`` for who must know: raises ``CatalogUnavailable`` too."""

    def check(self) -> None:
        """Raise what ``bring_up_to_date`` would of tables that are there, but change nothing."""

    def register(self, written: Iterable[Partition]) -> list[Partition]:
        """Register the (type, partition date) pairs of a batch; returns all that are pending, and never raises."""


class CatalogConf(Protocol):
    """The conf's section ``catalog``."""

    @property
    def enabled(self) -> bool:
        """Whether there is a catalog."""

    @property
    def database(self) -> str | None:
        """Its Glue database."""

    @property
    def retry_attempts(self) -> int:
        """How often a call to it is tried."""


class NoCatalog:
    """``catalog.enabled = false``: nothing to make, nothing pending."""

    def ensure_tables(self) -> None:
        """Do nothing."""

    def bring_up_to_date(self) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Do nothing."""

    def register(self, written: Iterable[Partition]) -> list[Partition]:
        """Nothing is ever pending."""
        return []


class GlueCatalog:
    """The tables and partitions of one archive in one Glue database.

    Remembers which partitions are registered, so that a batch asks Glue for new ones only, and which are
    pending, so that the next batch tries them again.
    """

    def __init__(
        self,
        client: "GlueClient",
        database: str,
        root: str,
        schemas: Mapping[str, RecordSchema],
        format: str = "avro",
    ) -> None:
        """``root`` is the archive's URI without a trailing slash, ``format`` its containers'; asks nothing of Glue yet."""
        self._client = client
        self._database = database
        self._root = root
        self._schemas = schemas
        self._format = format
        self._registered: set[Partition] = set()
        self._pending: set[Partition] = set()
        self._is_ensured = False

    def ensure_tables(self) -> None:
        """Bring database, tables and partitions to what the schemas say.

        Raises ``TableElsewhere``, ``TableOfOtherFormat``. Where Glue can't be had a log line says so and ``register`` tries again.
        """
        try:
            self.bring_up_to_date()
        except CatalogUnavailable as error:
            self._log(error.message)

    def bring_up_to_date(self) -> None:
        """``ensure_tables`` for who must know: raises ``CatalogUnavailable`` too."""
        self._is_ensured = False
        self._registered = tables.ensure_tables(
            self._client, self._database, self._root, self._schemas, self._format
        )
        self._is_ensured = True

    def check(self) -> None:
        """Raise what ``bring_up_to_date`` would of tables that are there, but change nothing."""
        tables.check_tables(self._client, self._database, self._root, self._schemas, self._format)

    def register(self, written: Iterable[Partition]) -> list[Partition]:
        """Register what isn't registered yet, with what earlier batches left pending; returns what is pending."""
        self._pending |= set(written)
        try:
            if not self._is_ensured:
                self.bring_up_to_date()
            self._pending -= self._registered
            if self._pending:
                self._register_pending()
        except CatalogError as error:
            self._log(error.message)
        return sorted(self._pending)

    def _register_pending(self) -> None:
        pending = partitions.register_partitions(
            self._client, self._database, self._root, self._schemas, self._pending, self._format
        )
        self._registered |= self._pending - set(pending)
        self._pending = set(pending)
        # Somebody dropped a table, and its partitions with it: look at the tables before the next attempt.
        self._is_ensured = not any(isinstance(reason, CatalogMissing) for reason in pending.values())
        if pending:
            self._log(dict(Counter(map(str, pending.values()))))

    def _log(self, reason: object) -> None:
        log.warning("catalog.pending", database=self._database, partitions=len(self._pending), reason=reason)


def open_catalog(
    conf: CatalogConf, storage: Storage, schemas: Mapping[str, RecordSchema], format: str = "avro"
) -> Catalog:
    """The catalog that the conf names, of an archive whose containers have that format; asks nothing of Glue yet."""
    if not conf.enabled or conf.database is None:
        return NoCatalog()
    return GlueCatalog(glue_client(conf.retry_attempts), conf.database, storage.uri, schemas, format)


def sync_catalog(catalog: Catalog, storage: Storage, since: str | None = None) -> tuple[int, list[Partition]]:
    """Bring the tables up to date and register every partition that delivery records name, from ``since`` on.

    Returns how many partitions these are, and those still pending. Raises ``CatalogUnavailable``,
    ``TableElsewhere``, ``TableOfOtherFormat``, ``DeliveryRecordUnreadable``.
    """
    catalog.bring_up_to_date()
    named: set[Partition] = set()
    for record in iter_delivery_records(storage, since):
        named |= record.partitions
    return len(named), catalog.register(named)


def glue_client(attempts: int = 4) -> "GlueClient":
    """A Glue client that gives up soon enough for a batch: so many attempts, seconds each, with backoff and jitter."""
    import boto3
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(retries=retries, connect_timeout=3, read_timeout=10)
    with asking_glue("the catalog"):
        session: Any = boto3.session.Session()
        client: GlueClient = session.client("glue", region_name=os.environ.get("AWS_REGION"), config=config)
    # The retries are ours (jobs.retries): in an outage botocore's end for good after some dozen calls.
    client.meta.events.unregister("needs-retry.glue", unique_id="retry-config-glue")
    return client
