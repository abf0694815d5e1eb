"""``python -m jobs.backfill``: archives a bounded input, beside the stream and as the stream does."""

import logging
import sys
from collections.abc import Sequence

from jobs.backfill.arguments import parse
from jobs.backfill.run import backfill
from jobs.command_line import exit_code
from jobs.log import configure_logging
from jobs.settings import load_settings
from jobs.spark_errors import told_in_one_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Archive; 0 when the run is finished, 1 when it failed or ended before, 2 for a wrong command line or conf."""
    conf, overrides, options = parse(sys.argv[1:] if arguments is None else arguments, __doc__)
    # On a terminal the bar says how far it is.
    configure_logging(sys.stderr, logging.WARNING if sys.stderr.isatty() else logging.INFO)

    def run() -> int:
        settings = load_settings(conf, overrides)
        with told_in_one_line():
            backfill(settings, options)
        return 0

    return exit_code("backfill", run)


if __name__ == "__main__":
    sys.exit(main())
