"""A release: the files that ``make package`` made, and the manifest that names each with its SHA-256."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jobs.errors import PipelineError

DIST = Path("dist")
MANIFEST = "manifest.json"
ARCHITECTURES = ("x86_64", "arm64")
Architecture = Literal["X86_64", "ARM64"]
"""As EMR Serverless writes it."""


class ReleaseError(PipelineError):
    """There is no release, or its files aren't what its manifest says."""


@dataclass(frozen=True)
class Release:
    """A manifest. ``files`` are names and SHA-256 (hex) of all files beside it."""

    files: dict[str, str]
    python: str
    text: bytes

    @property
    def name(self) -> str:
        """The release's name, in S3 and in the stack: 16 hex digits of the manifest's SHA-256."""
        return hashlib.sha256(self.text).hexdigest()[:16]

    @property
    def jars(self) -> list[str]:
        """The names of the jars that the image lacks."""
        return [name for name in self.files if name.endswith(".jar")]

    def dependencies(self, architecture: str) -> str:
        """The name of the dependency archive for ``X86_64`` or ``ARM64``. Raises ReleaseError where it has none."""
        name = dependencies_name(architecture.lower())
        if name not in self.files:
            raise ReleaseError(
                f"the release {self.name} has no {name}: run `make package` without --architecture"
            )
        return name


def dependencies_name(architecture: str) -> str:
    """What the dependency archive for ``x86_64`` or ``arm64`` is called."""
    return f"dependencies-{architecture}.tar.gz"


def manifest(files: Mapping[str, Path], python: str, facts: Mapping[str, Any]) -> bytes:
    """The manifest of these files, by name; ``facts`` are versions for a person to read."""
    digests = {name: _sha256(files[name]) for name in sorted(files)}
    return (json.dumps({**facts, "python": python, "files": digests}, indent=2) + "\n").encode()


def parsed(text: bytes, where: str) -> Release:
    """The release of a manifest. Raises ReleaseError."""
    try:
        value = json.loads(text)
        return Release(dict(value["files"]), str(value["python"]), text)
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{where} is no manifest of a release: make it with `make package`") from error


def packaged(dist: Path) -> Release:
    """The release in the directory, its files checked against the manifest. Raises ReleaseError."""
    path = dist / MANIFEST
    try:
        release = parsed(path.read_bytes(), str(path))
    except OSError as error:
        raise ReleaseError(f"{path} can't be read ({error.strerror}): run `make package`") from error
    for name, digest in release.files.items():
        if not (dist / name).is_file() or _sha256(dist / name) != digest:
            raise ReleaseError(f"{dist / name} isn't what {path} says: run `make package`")
    return release


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
