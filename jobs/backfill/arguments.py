"""The command line of ``jobs.backfill``."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from jobs.backfill.kinds import KINDS
from jobs.backfill.options import Options
from jobs.command_line import conf_parser, instant

_RELATIVE = re.compile(r"-\d+[smhdw]", re.ASCII)
_EVERY_KIND = {"kind", "new_run", "dry_run", "max_error_rate"}


def parse(arguments: Sequence[str], about: str | None) -> tuple[str, list[str], Options]:
    """The conf's file, what ``--set`` says, and the options; a wrong command line ends the process with exit code 2."""
    parser = _parser(about)
    parsed: dict[str, Any] = vars(parser.parse_args(_joined(arguments)))
    conf, overrides = parsed.pop("conf"), parsed.pop("set")
    asked: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in parsed.items()
        if value is not None
    }
    options = Options(**asked)
    _check(parser, options)
    return conf, overrides, options


def _parser(about: str | None) -> argparse.ArgumentParser:
    parser = conf_parser("jobs.backfill", about)
    parser.add_argument(
        "--from",
        dest="kind",
        choices=list(KINDS),
        required=True,
        help="the kind of input, see docs/backfill.md",
    )
    parser.add_argument(
        "--input", metavar="PATH", help="the export's folder; a file, directory or glob of events"
    )
    _add_window(parser)
    parser.add_argument(
        "--message",
        dest="messages",
        action="append",
        metavar="TEXT",
        help="only errors whose message holds it",
    )
    parser.add_argument(
        "--key", dest="keys", action="append", metavar="PATTERN", help="only errors in these objects"
    )
    parser.add_argument("--again", action="store_true", default=None, help="also what is archived already")
    parser.add_argument("--new-run", action="store_true", default=None, help="archive an input once more")
    parser.add_argument(
        "--dry-run", action="store_true", default=None, help="write nothing, tell what would be"
    )
    parser.add_argument(
        "--max-error-rate",
        type=_share,
        metavar="SHARE",
        help="fail where more of the events fail, 0.01 for 1 %%",
    )
    parser.add_argument(
        "--step-bytes", type=_size, metavar="N", help="bytes of JSON per delivery record (default 1 GiB)"
    )
    return parser


def _add_window(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=_time, metavar="TIME", help="an instant, or -14h before --as-of")
    parser.add_argument("--until", type=_time, metavar="TIME", help="likewise")
    parser.add_argument(
        "--as-of", type=instant, metavar="TIMESTAMP", help="what relative times count from (now)"
    )
    parser.add_argument(
        "--catch-up", action="store_true", default=None, help="from the oldest record that the stream holds"
    )


def _joined(arguments: Sequence[str]) -> list[str]:
    """``--since -14h`` as ``--since=-14h``: argparse would take the time for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in ("--since", "--until") and _RELATIVE.fullmatch(argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _check(parser: argparse.ArgumentParser, options: Options) -> None:
    kind = KINDS[options.kind]
    given = {each.name for each in fields(Options) if getattr(options, each.name) != each.default}
    for name in sorted(given - kind.takes - _EVERY_KIND):
        parser.error(f"{_option(name)} doesn't go with --from {options.kind}")
    for name in sorted(kind.needs - given):
        parser.error(f"--from {options.kind} needs {_option(name)}")


def _option(name: str) -> str:
    return "--" + {"messages": "message", "keys": "key"}.get(name, name.replace("_", "-"))


def _time(text: str) -> str:
    return text if _RELATIVE.fullmatch(text) else instant(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to 1")
    return share


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes")
    return int(text)
