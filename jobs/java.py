"""Finds the Java runtime that Spark is started with: the set-up and every session ask here."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from jobs.errors import PipelineError

SUPPORTED = (17, 21)
# By itself Java compiles no method of more than 8,000 bytes, and the fused code of our steps is longer.
COMPILE_ALL = "-XX:-DontCompileHugeMethods"

# Globs, because every vendor and package manager has a directory of its own.
_USUAL_PLACES = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/homebrew/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
)


class JavaMissingError(PipelineError):
    """No Java runtime that Spark supports was found."""


def find_java() -> Path:
    """Return the home of a Java 17 or 21 runtime.

    `JAVA_HOME` comes first, then the `java` on `PATH`, then the usual places, 17 before 21. A runtime of
    another version is passed over, also where `JAVA_HOME` names it: Spark doesn't start on it.

    Raises:
        JavaMissingError: There is none; the message says what was found instead and what to install.
    """
    other: dict[Path, int] = {}
    for home in _preferred():
        version = java_version(home)
        if version in SUPPORTED:
            return home
        if version:
            other[home] = version
    installed = [(java_version(home), home) for home in _installed()]
    for version, home in sorted(entry for entry in installed if entry[0]):
        if version in SUPPORTED:
            return home
        other[home] = version
    raise JavaMissingError(_advice(other))


def java_version(home: Path) -> int:
    """Return the feature release (17, 21, …) of the Java runtime at `home`, 0 where there is none."""
    if not os.access(home / "bin" / "java", os.X_OK):
        return 0
    release = home / "release"
    if release.is_file():
        text = release.read_text(errors="replace")
        found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    else:
        found = re.search(r'version "(?:1\.)?(\d+)', _ask(home / "bin" / "java"))
    return int(found[1]) if found else 0


def _preferred() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parents[1]


def _installed() -> Iterator[Path]:
    for pattern in _USUAL_PLACES:
        place = Path(pattern).expanduser()
        yield from sorted(Path(place.anchor).glob(str(place.relative_to(place.anchor))))


def _ask(java: Path) -> str:
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stderr


def _advice(other: dict[Path, int]) -> str:
    if sys.platform == "darwin":
        todo = "brew install openjdk@17"
    elif shutil.which("apt-get"):
        todo = "sudo apt-get install openjdk-17-jre-headless (or openjdk-21-jre-headless)"
    else:
        todo = "install a Java 17 or 21 runtime, or set JAVA_HOME to one"
    seen = "".join(f"; {home} is Java {version}" for home, version in other.items())
    return f"Spark needs a Java 17 or 21 runtime and none was found{seen}: {todo}"
