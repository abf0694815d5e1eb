"""``python -m jobs.doctor``: says where the checkpoint stands and whether the next start works; changes nothing."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jobs.doctor.diagnosis import diagnose
from jobs.doctor.rewind import rewind
from jobs.errors import PipelineError
from jobs.log import configure_logging
from jobs.settings import SettingsError, load_settings
from jobs.sources.kinesis.instants import from_iso

EXIT_WORKS, EXIT_FAILS, EXIT_USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Diagnose, or rewind; 0 when the next start works (the checkpoint was made), 1 when not, 2 for a wrong conf."""
    options = _options(arguments)
    configure_logging()
    try:
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
    except SettingsError as error:
        print(error.message, file=sys.stderr)
        return EXIT_USAGE
    except PipelineError as error:
        print(f"doctor: {error.message}", file=sys.stderr)
        return EXIT_FAILS


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jobs.doctor", description=__doc__)
    parser.add_argument("--conf", type=Path, required=True, metavar="FILE", help="the conf, see conf/*.toml")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a conf value that wins over the file",
    )
    parser.add_argument(
        "--rewind",
        type=_instant,
        metavar="TIMESTAMP",
        help="make a new checkpoint that reads again from this ISO-8601 instant; the old one stays",
    )
    return parser.parse_args(arguments)


def _instant(text: str) -> str:
    from_iso(text)
    return text


if __name__ == "__main__":
    sys.exit(main())
