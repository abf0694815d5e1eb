"""``python -m jobs.doctor``: says where the checkpoint stands and whether the next start works; changes nothing."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from jobs.command_line import conf_parser, exit_code, instant
from jobs.doctor.diagnosis import diagnose
from jobs.doctor.rewind import rewind
from jobs.log import configure_logging
from jobs.settings import SettingsError, load_settings

EXIT_WORKS, EXIT_FAILS = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Diagnose, or rewind; 0 when the next start works (the checkpoint was made), 1 when not, 2 for a wrong conf."""
    options = _options(arguments)
    configure_logging(sys.stderr)
    return exit_code("doctor", lambda: _run(options), failed=EXIT_FAILS)


def _run(options: argparse.Namespace) -> int:
    settings = load_settings(options.conf, options.set)
    if options.rewind and settings.source.format != "kinesis":
        raise SettingsError(
            "--rewind needs source.format kinesis: for others set source.start and a new archive.checkpoint"
        )
    now = datetime.now(UTC)
    if options.rewind:
        print("\n".join(rewind(settings, options.rewind, now)))
        return EXIT_WORKS
    diagnosis = diagnose(settings, now)
    print("\n".join(diagnosis.lines()))
    return EXIT_FAILS if diagnosis.problems else EXIT_WORKS


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = conf_parser("jobs.doctor", __doc__)
    parser.add_argument(
        "--rewind",
        type=instant,
        metavar="TIMESTAMP",
        help="make a new checkpoint that reads again from this ISO-8601 instant; the old one stays",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
