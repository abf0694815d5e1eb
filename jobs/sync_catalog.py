"""``python -m jobs.sync_catalog``: brings tables and partitions to what schemas and delivery records say."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import schemas
from jobs.catalog import open_catalog, sync_catalog
from jobs.errors import PipelineError
from jobs.log import configure_logging
from jobs.settings import SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Sync; 0 when nothing is pending, 1 when something is or it failed, 2 for a wrong command line or conf."""
    parser = argparse.ArgumentParser(prog="python -m jobs.sync_catalog", description=__doc__)
    parser.add_argument("--conf", type=Path, required=True, metavar="FILE", help="the conf, see conf/*.toml")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--since", metavar="DATE", help="only delivery records from this day on")
    options = parser.parse_args(arguments)
    configure_logging()
    try:
        settings = load_settings(options.conf, options.set)
        storage = settings.archive.open_archive()
        storage.check()
        named, pending = sync_catalog(
            open_catalog(settings.catalog, storage, schemas.load()), storage, options.since
        )
    except SettingsError as error:
        print(error.message, file=sys.stderr)
        return 2
    except PipelineError as error:
        print(f"sync_catalog: {error.message}", file=sys.stderr)
        return 1
    print(f"{named} partitions named by delivery records, {len(pending)} pending")
    return 1 if pending else 0


if __name__ == "__main__":
    sys.exit(main())
