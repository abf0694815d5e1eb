"""The directory that the demo leaves behind, replaced on each run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from jobs.demo.summary import Heading
from jobs.errors import PipelineError

_MARK = "Made by `python -m {}`, which replaces this directory on each run. All data in it is made up.\n"
_BOLD, _PLAIN = "\033[1m", "\033[0m"


class OutputError(PipelineError):
    """The output directory can't be used."""


def fresh(directory: Path, made_by: str = "jobs.demo") -> Path:
    """An empty `directory`; one that an earlier run of `made_by` left is replaced.

    Raises:
        OutputError: It holds what the demo didn't make, or can't be written.
    """
    mark, text = directory / "README.txt", _MARK.format(made_by)
    try:
        if directory.exists() and any(directory.iterdir()):
            if not mark.is_file() or mark.read_text(encoding="utf-8", errors="replace") != text:
                raise OutputError(f"{directory} is not empty and not from an earlier run: move it away")
            shutil.rmtree(directory)
        directory.mkdir(exist_ok=True)
        mark.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{directory} can't be written: {error.strerror}") from None
    return directory


def show(lines: Sequence[str], out: TextIO | None = None) -> None:
    """Print the lines, headings in bold where `out` (default: standard output) is a terminal that wants it."""
    out = out or sys.stdout
    bold = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    for line in lines:
        print(f"{_BOLD}{line}{_PLAIN}" if bold and isinstance(line, Heading) else line, file=out)
