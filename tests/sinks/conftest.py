"""An archive on an emulated S3 and one in a directory: every rule of storage holds on both."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.batch import Batch
from jobs.demo.emulator import Emulator
from jobs.sinks.storage import Storage, open_storage


@pytest.fixture(scope="session")
def aws() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def on_aws(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator, with the environment that leads every new client to it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    return aws


@pytest.fixture
def bucket(on_aws: Emulator) -> str:
    """A bucket of the test's own."""
    client = on_aws.client("s3")
    name = f"archive-{uuid.uuid4().hex[:12]}"
    region = {"LocationConstraint": client.meta.region_name}
    client.create_bucket(Bucket=name, CreateBucketConfiguration=region)
    return name


@pytest.fixture(params=["s3", "s3 without a prefix", "file"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty archive of each kind."""
    if request.param == "file":
        return open_storage(str(tmp_path / "archive"))
    name = request.getfixturevalue("bucket")
    return open_storage(f"s3://{name}" if "without" in request.param else f"s3://{name}/some/prefix")


@pytest.fixture
def directory(tmp_path: Path) -> Storage:
    """An empty archive in a directory."""
    return open_storage(str(tmp_path / "archive"))


@pytest.fixture
def batch() -> Batch:
    return Batch("stream", "a-query", 7, "2026-03-01T12:34:56.789Z")
