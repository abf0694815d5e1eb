"""The benchmark as users run it, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.short_run import SHORT_RUN_OF_ALL_JAVA


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m bench`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **SHORT_RUN_OF_ALL_JAVA},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
