"""A release as `make package` makes it, for this machine's Python and both architectures."""

import platform
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import moto.emrserverless.models as emulated
import pytest
from moto import mock_aws

from emr import archives, package, runs
from emr.release import ARCHITECTURES, MANIFEST, manifest
from tests.faults.conftest import proxied_job, proxy
from tests.jobs.conftest import aws, bucket, job, producer
from tests.jobs.job import ROOT

__all__ = ["aws", "bucket", "job", "producer", "proxied_job", "proxy"]

BUCKET, REGION = "dmd-prod-archive", "us-east-1"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = {"x86_64": "x86_64", "AMD64": "x86_64"}.get(platform.machine(), "arm64")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a release was packaged into."""
    directory = tmp_path_factory.mktemp("release") / "dist"
    make(directory, ARCHITECTURES)
    return directory


def make(directory: Path, architectures: Iterable[str]) -> None:
    """Package a release, hardly compressed: that takes most of the time, and no test looks at sizes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(archives, "LEVEL", 1)
        package.make(directory, PYTHON, architectures)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the confs and a release whose dependency archives are small; AWS is emulated, runs stay live."""
    (tmp_path / "conf").symlink_to(ROOT / "conf")
    (tmp_path / "dist").mkdir()
    others = ("spark-avro_2.13-4.1.1.jar", "dependencies-x86_64.tar.gz", "dependencies-arm64.tar.gz")
    for name, content in {**package.small_files(), **dict.fromkeys(others, b"")}.items():
        (tmp_path / "dist" / name).write_bytes(content)
    seal(tmp_path / "dist")
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(emulated, "JOB_STATUS", "RUNNING")
    monkeypatch.setattr(runs, "pause", lambda waited: 0.0)
    with mock_aws():
        yield tmp_path


def write_conf(place: Path, name: str, text: str) -> None:
    """Give the place a conf of its own, instead of the project's."""
    (place / "conf").unlink()
    (place / "conf").mkdir()
    (place / "conf" / name).write_text(text)


def seal(dist: Path, version: str = "1") -> None:
    """Write the manifest of what is in the folder."""
    files = {path.name: path for path in dist.iterdir() if path.name != MANIFEST}
    (dist / MANIFEST).write_bytes(manifest(files, "3.11", {"version": version}))
