"""The Glue catalog: tables and partitions that let query engines read the archive."""

from jobs.catalog.glue import Catalog, GlueCatalog, NoCatalog, open_catalog, sync_catalog

__all__ = ["Catalog", "GlueCatalog", "NoCatalog", "open_catalog", "sync_catalog"]
