"""The command line of ``python -m bench``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(__file__).parent / ".cache"
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
        "--peers", action="store_true", help="measure hand-written workers on Node and on Python too"
    )
    for what, of in (
        ("streaming", "the job as a stream, on an emulated Kinesis,"),
        ("latest", "the latest-state tables"),
        ("scale-out", "the path on clusters of one and two executors"),
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
    return parser.parse_args(arguments)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text}")
    return int(text)


def _new_file(text: str) -> Path:
    file = Path(text)
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {file.parent}")
    return file
