"""``python -m jobs.latest``: keeps a Delta table per record type that holds the latest state of every record."""

import argparse
import sys
import time
from collections.abc import Collection, Sequence

import schemas
from jobs.command_line import conf_parser, exit_code
from jobs.latest.failures import LatestError
from jobs.latest.glue import Registration
from jobs.latest.update import Latest, held, open_tables
from jobs.log import configure_logging
from jobs.session import spark_session
from jobs.settings import Settings, load_settings
from jobs.spark_checks import spark_reaches
from jobs.spark_errors import told_in_one_line
from jobs.stopping import RunInterrupted, Stop

_POLL_SECONDS = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the tables up to date; 0 when they are, 1 when that failed, 2 for a wrong command line or conf."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    # Delta prints to standard output what it vacuumed.
    configure_logging(sys.stderr)

    def run() -> int:
        settings = load_settings(options.conf, options.set)
        with told_in_one_line():
            latest(settings, rebuild=options.rebuild, follow=options.follow, without=options.without)
        return 0

    return exit_code("latest", run)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = conf_parser("jobs.latest", __doc__)
    parser.add_argument("--rebuild", action="store_true", help="make the tables anew from the whole archive")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="KEY",
        help="leave a container or delivery record out of the tables that is lost or damaged for good",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="go on until SIGTERM, a pass every latest.trigger_seconds; default: one pass",
    )
    return parser.parse_args(arguments)


def latest(settings: Settings, *, rebuild: bool, follow: bool, without: Collection[str] = ()) -> None:
    """Bring the tables up to date, once or until a signal. Raises PipelineError."""
    storage, place = settings.archive.open_archive(), settings.open_latest()
    storage.check()
    place.check()
    record_schemas = schemas.load()
    with Stop().on_signals() as stop, held(place) as lease:
        spark = spark_session("dmd-latest")
        if not spark_reaches(spark, place):
            raise LatestError(
                f"latest.uri {place.uri}: this Spark has no file system for it; on EMR it has, elsewhere set latest.uri to "
                "a local directory"
            )
        stop.listen()
        tables = open_tables(spark, storage, place, record_schemas, settings.latest, lease.check)
        tables.keep_properties()
        registration = Registration(settings.catalog, storage.uri, place.uri, record_schemas)
        tables.update(anew=rebuild, without=without)
        registration.keep(tables.exists)
        if follow:
            _follow(tables, registration, stop, settings.latest.trigger_seconds)


def _follow(tables: Latest, registration: Registration, stop: Stop, every: float) -> None:
    """A pass every so many seconds, until a signal."""
    try:
        while True:
            until = time.monotonic() + every
            while time.monotonic() < until:
                stop.check()
                time.sleep(_POLL_SECONDS)
            stop.check()
            tables.update()
            registration.keep(tables.exists)
    except RunInterrupted:
        return


if __name__ == "__main__":
    sys.exit(main())
