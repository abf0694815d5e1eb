"""``python -m jobs.sync_catalog``: brings tables and partitions to what schemas and delivery records say."""

import sys
from collections.abc import Sequence

import schemas
from jobs.catalog import open_catalog, sync_catalog
from jobs.command_line import conf_parser, day, exit_code
from jobs.log import configure_logging
from jobs.settings import Settings, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Sync; 0 when nothing is pending, 1 when something is or it failed, 2 for a wrong command line or conf."""
    parser = conf_parser("jobs.sync_catalog", __doc__)
    parser.add_argument("--since", type=day, metavar="DATE", help="only batches of this day (UTC) or later")
    options = parser.parse_args(arguments)
    configure_logging(sys.stderr)
    return exit_code("sync_catalog", lambda: _sync(load_settings(options.conf, options.set), options.since))


def _sync(settings: Settings, since: str | None) -> int:
    storage = settings.archive.open_archive()
    storage.check()
    catalog = open_catalog(settings.catalog, storage, schemas.load(), settings.archive.format)
    named, pending = sync_catalog(catalog, storage, since)
    print(f"{named} partitions named by delivery records, {len(pending)} pending")
    return 1 if pending else 0


if __name__ == "__main__":
    sys.exit(main())
