"""``python -m emr.package``: what EMR Serverless needs, in ``dist/``: the same files from the same commit."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from emr.archives import write_tar_gz, zip_bytes
from emr.release import ARCHITECTURES, DIST, MANIFEST, ReleaseError, dependencies_name, manifest, packaged
from jobs.command_line import exit_code
from jobs.session import find_jars
from jobs.version import VERSION

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "transforms", "jobs")
START_FILES = ("archive.py", "backfill.py", "latest.py", "verify.py")
PYTHON = "3.11"
# Spark brings them, in the image as here; Delta's Python package, which asks for them, comes along.
_NOT_PACKED = "pyspark\npy4j\n"
# Amazon Linux 2023 has glibc 2.34: no wheel for a newer one is taken.
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_34", "arm64": "aarch64-manylinux_2_34"}
_NOT_SHIPPED = ("demo", "ruff.toml", "__pycache__")
_LAUNCHER = """\
#!/bin/sh
# The image's own Python, with the packages of this archive before all others.
command -v python{python} >/dev/null || {{ echo "there is no python{python} here: make package ARGS='--python 3.x'" >&2; exit 127; }}
here=$(cd "$(dirname "$0")/.." && pwd)
PYTHONPATH="$here/packages${{PYTHONPATH:+:$PYTHONPATH}}" exec python{python} "$@"
"""


class PackageError(ReleaseError):
    """A part of the release can't be made."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the release; 0 when it is there, 1 when it can't be made."""
    options = _options(arguments)
    return exit_code("package", lambda: _package(options))


def _package(options: argparse.Namespace) -> int:
    make(DIST, options.python, options.architecture or ARCHITECTURES)
    release = packaged(DIST)
    for name in [*release.files, MANIFEST]:
        print(f"{(DIST / name).stat().st_size:>12,}  {DIST / name}")
    print(f"release {release.name}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m emr.package", description=__doc__)
    parser.add_argument(
        "--python", default=PYTHON, metavar="3.x", help=f"the image's Python (default: {PYTHON})"
    )
    parser.add_argument(
        "--architecture", action="append", choices=ARCHITECTURES, help="only this one, not both; repeatable"
    )
    return parser.parse_args(arguments)


def make(dist: Path, python: str, architectures: Iterable[str]) -> None:
    """Make the release in ``dist``, which is replaced. Raises PackageError and JarsMissingError."""
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    for name, content in small_files().items():
        (dist / name).write_bytes(content)
    for jar in find_jars():
        if jar.name.startswith("spark-avro_"):  # Delta's are in the image
            shutil.copyfile(jar, dist / jar.name)
    versions: dict[str, str] = {}
    for architecture in architectures:
        versions |= _dependencies(dist / dependencies_name(architecture), python, architecture)
    files = {path.name: path for path in dist.iterdir()}
    (dist / MANIFEST).write_bytes(manifest(files, python, {"version": VERSION, "packages": versions}))


def small_files() -> dict[str, bytes]:
    """The packages, the start files and the confs, by the names that they have in a release."""
    starts = {name: (ROOT / "emr" / name).read_bytes() for name in START_FILES}
    confs = {path.name: path.read_bytes() for path in (ROOT / "conf").glob("*.toml") if path.stem != "local"}
    return {"packages.zip": zip_bytes(dict(_modules())), **starts, **confs}


def _modules() -> Iterator[tuple[str, bytes]]:
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*"):
            if file.is_file() and not set(file.relative_to(ROOT).parts) & set(_NOT_SHIPPED):
                yield str(file.relative_to(ROOT)), file.read_bytes()


def _dependencies(path: Path, python: str, architecture: str) -> dict[str, str]:
    """The archive for spark.archives: packages by the lock's hashes, and what starts the image's Python with them.

    Returns the packages' versions.
    """
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "root")
        _install(root / "packages", python, _PLATFORMS[architecture])
        launcher = root / "bin" / "python"
        launcher.parent.mkdir()
        launcher.write_text(_LAUNCHER.format(python=python))
        launcher.chmod(0o755)
        names = (file.relative_to(root) for file in root.rglob("*") if file.is_file())
        write_tar_gz(path, {str(name): root / name for name in names if _is_needed(name)})
        installed = sorted(info.stem for info in root.glob("packages/*.dist-info"))
        return dict(info.split("-", 1) for info in installed)


def _is_needed(name: Path) -> bool:
    # Scripts name the Python of this machine, and nobody runs a package's tests on a cluster.
    return name.parts[:2] != ("packages", "bin") and "tests" not in name.parts and name.name != ".lock"


def _install(target: Path, python: str, platform: str) -> None:
    excludes = target.parent.with_name("excludes.txt")
    excludes.write_text(_NOT_PACKED)
    wheels = ["--only-binary", ":all:", "--python-version", python, "--python-platform", platform]
    pins = ["--require-hashes", "--constraints", ROOT / "requirements.lock", "--excludes", excludes]
    uv = Path(sys.prefix, "bin", "uv")
    wanted = ["--target", target, "-r", ROOT / "pyproject.toml"]
    command = [uv, "pip", "install", "--quiet", *wanted, *wheels, *pins]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(
            f"no dependencies for Python {python} on {platform} by requirements.lock: {done.stderr.strip()}"
        )


if __name__ == "__main__":
    sys.exit(main())
