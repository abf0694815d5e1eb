"""The command line of ``python -m bench``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.corpus import BAD_SHARE, Recipe
from bench.growth import ROWS
from jobs.demo.generator import BENCHMARK, Mix

CACHE = Path(__file__).parent / ".cache"
_SHARES = ("demand", "notification", "event", "insert", "modify")
_ABOUT = "Records per second of the archive job's path, next to the floor of reading the JSON at all."


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command line; ``what`` is the name of what is measured. Exits with 2 where they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=_ABOUT)
    parser.add_argument(
        "--events", type=_number, default=400_000, metavar="N", help="change events (default 400000)"
    )
    parser.add_argument(
        "--rounds", type=_number, default=3, metavar="N", help="warm rounds, after the cold one (default 3)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="another seed, another corpus (default 1)"
    )
    parser.add_argument(
        "--bad", type=_share, default=BAD_SHARE, metavar="SHARE", help=f"of them bad (default {BAD_SHARE})"
    )
    parser.add_argument(
        "--mix",
        type=_mix,
        default=BENCHMARK,
        metavar="NAME=SHARE,…",
        help=f"shares of the others (default {_told(BENCHMARK)}; the rest are sales and REMOVEs)",
    )
    parser.add_argument(
        "--peers", action="store_true", help="measure hand-written workers on Node and on Python too"
    )
    for what, of in (
        ("streaming", "the job as a stream, on an emulated Kinesis,"),
        ("latest", "the latest-state tables"),
        ("scale-out", "the path on clusters of one and two executors"),
        ("growth", "the path and a backfill at this and at 12.5 times the number of events"),
    ):
        parser.add_argument(
            f"--{what}",
            dest="what",
            action="store_const",
            const=what,
            default="results",
            help=f"measure {of} instead",
        )
    parser.add_argument(
        "--records",
        type=_number,
        default=1_000_000,
        metavar="N",
        help="with --latest: records of the larger archive (default 1000000)",
    )
    parser.add_argument(
        "--row",
        action="append",
        dest="rows",
        choices=ROWS,
        help="with --growth: measure this row alone",
    )
    parser.add_argument(
        "--json",
        type=_new_file,
        metavar="FILE",
        help="where the figures go (default a file in the cache)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=CACHE,
        metavar="DIR",
        help="where corpora are kept (default bench/.cache)",
    )
    options = parser.parse_args(arguments)
    options.rows = options.rows or ROWS
    options.recipe = Recipe(options.seed, options.events, options.bad, options.mix)
    return options


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text}")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"must be a share from 0 to 1, not {text}")
    return share


def _mix(text: str) -> Mix:
    pairs = [pair.partition("=") for pair in text.split(",")]
    if unknown := [name for name, _, _ in pairs if name not in _SHARES]:
        raise argparse.ArgumentTypeError(f"knows {', '.join(_SHARES)}, not {', '.join(unknown)}")
    mix = Mix(**(BENCHMARK._asdict() | {name: _share(share) for name, _, share in pairs}))
    if mix.demand + mix.notification + mix.event > 1 or mix.insert + mix.modify > 1:
        raise argparse.ArgumentTypeError(
            "of types, and of INSERT and MODIFY, the shares may add up to 1 at most"
        )
    return mix


def _told(mix: Mix) -> str:
    return ",".join(f"{name}={getattr(mix, name)}" for name in _SHARES)


def _new_file(text: str) -> Path:
    file = Path(text)
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {file.parent}")
    return file
