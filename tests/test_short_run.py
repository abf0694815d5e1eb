"""Java starts as ever, and says nothing, where the archive of classes doesn't fit it."""

import shlex
import subprocess
from pathlib import Path

from jobs.java import find_java
from tests.short_run import CLASS_ARCHIVE, JAVA_OPTIONS, class_archive, java_options

ROOT = Path(__file__).parents[1]


def test_without_an_archive_of_classes_there_is_no_word_of_it(tmp_path: Path) -> None:
    assert java_options(tmp_path / "none.jsa") == JAVA_OPTIONS


def test_an_archive_of_classes_that_is_none_is_passed_over_in_silence(tmp_path: Path) -> None:
    broken = tmp_path / "broken classes.jsa"
    broken.write_bytes(b"not what Java wrote" * 1000)
    plain, with_it = (java_version(options) for options in (JAVA_OPTIONS, java_options(broken)))
    assert "SharedArchiveFile" in java_options(broken)
    assert with_it == plain


def test_another_java_or_other_options_have_an_archive_of_their_own(tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.write_text('JAVA_VERSION="17.0.15"')
    before = class_archive(tmp_path)
    assert class_archive(tmp_path) == before
    other_options = class_archive(tmp_path, f"{JAVA_OPTIONS} -Xshare:auto")
    release.write_text('JAVA_VERSION="17.0.16"')
    assert len({before, other_options, class_archive(tmp_path), CLASS_ARCHIVE}) == 4


def test_where_no_archive_of_classes_can_be_made_one_line_says_so() -> None:
    # As set up already, and by a Python that fails.
    make = ["make", "--no-print-directory", "--old-file=setup", "PYTHON=false", "classes"]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    (line,) = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert line.startswith("classes: no archive of Java's classes: runs of Spark start later")


def java_version(options: str) -> tuple[int, str]:
    """The exit code, and all that Java says."""
    command = [str(find_java() / "bin" / "java"), *shlex.split(options), "-version"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout.replace(", sharing", "")
