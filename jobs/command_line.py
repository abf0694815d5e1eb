"""What the commands have in common: the conf's options, the types of others, and a line for whatever goes wrong."""

import argparse
import sys
from collections.abc import Callable
from datetime import date

from jobs.errors import PipelineError
from jobs.instants import from_iso
from jobs.settings import SettingsError

EXIT_USAGE = 2


def conf_parser(program: str, description: str | None) -> argparse.ArgumentParser:
    """A parser that knows ``--conf`` and ``--set``; ``program`` is the module that ``python -m`` starts."""
    shown = description and description.replace("``", "`")  # a docstring's literals
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=shown)
    parser.add_argument(
        "--conf", required=True, metavar="FILE", help="the conf, see conf/*.toml; also s3://bucket/…/FILE"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a conf value that wins over the file",
    )
    return parser


def day(text: str) -> str:
    """The type of a day's option: ISO-8601, told back as ``2026-03-01``."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-03-01") from None


def instant(text: str) -> str:
    """The type of an instant's option: ISO-8601, as it was given."""
    try:
        from_iso(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def exit_code(name: str, command: Callable[[], int], failed: int = 1) -> int:
    """What the command returns, or ``EXIT_USAGE`` for a wrong conf, ``failed`` for other errors: standard error says which."""
    try:
        return command()
    except SettingsError as error:
        print(error.message, file=sys.stderr)
        return EXIT_USAGE
    except PipelineError as error:
        print(f"{name}: {error.message}", file=sys.stderr)
        return failed
