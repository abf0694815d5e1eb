"""Java starts as ever, and says nothing, where the archive of classes doesn't fit it."""

import shlex
import subprocess
from pathlib import Path

from jobs.java import find_java
from tests.short_run import JAVA_OPTIONS, java_options


def test_without_an_archive_of_classes_there_is_no_word_of_it(tmp_path: Path) -> None:
    assert java_options(tmp_path / "none.jsa") == JAVA_OPTIONS


def test_an_archive_of_classes_that_is_none_is_passed_over_in_silence(tmp_path: Path) -> None:
    broken = tmp_path / "broken classes.jsa"
    broken.write_bytes(b"not what Java wrote" * 1000)
    plain, with_it = (java_version(options) for options in (JAVA_OPTIONS, java_options(broken)))
    assert "SharedArchiveFile" in java_options(broken)
    assert with_it == plain


def java_version(options: str) -> tuple[int, str]:
    """The exit code, and all that Java says."""
    command = [str(find_java() / "bin" / "java"), *shlex.split(options), "-version"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout.replace(", sharing", "")
