"""A release as `make package` makes it, for this machine's Python and both architectures."""

import platform
import sys
from pathlib import Path

import pytest

from emr import package
from emr.release import ARCHITECTURES
from tests.jobs.conftest import aws, job, producer

__all__ = ["aws", "job", "producer"]

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = {"x86_64": "x86_64", "AMD64": "x86_64"}.get(platform.machine(), "arm64")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a release was packaged into."""
    directory = tmp_path_factory.mktemp("release") / "dist"
    package.make(directory, PYTHON, ARCHITECTURES)
    return directory
