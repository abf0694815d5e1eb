"""An emulated AWS for the archive job's own process, and what a test needs to begin with."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.demo.emulator import Emulator
from jobs.demo.publish import create_bucket, create_stream
from tests.emulators import kinesis_mock
from tests.jobs.job import Job
from tests.jobs.ledger import Producer

__all__ = ["kinesis_mock"]


@pytest.fixture(scope="session")
def aws() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def producer(aws: Emulator) -> Callable[[int], Producer]:
    """Makes a stream of so many shards, and a producer for it."""

    def make(shards: int) -> Producer:
        name = f"stream-{uuid.uuid4().hex[:12]}"
        create_stream(aws, name, shards)
        return Producer(aws.client("kinesis"), name)

    return make


@pytest.fixture(scope="session")
def bucket(aws: Emulator) -> Callable[[], str]:
    """Makes a bucket."""

    def make() -> str:
        name = f"archive-{uuid.uuid4().hex[:12]}"
        create_bucket(aws, name)
        return name

    return make


@pytest.fixture(scope="session")
def job(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Job]:
    """Makes a job: from the beginning of a stream into a directory beside its conf, unless other values are given."""

    def make(stream: str, environment: dict[str, str] | None = None, **values: Any) -> Job:
        directory = tmp_path_factory.mktemp("job")
        return Job(directory, environment or aws.environment(), conf(directory, stream, **values))

    return make


def conf(directory: Path, stream: str, **values: Any) -> dict[str, dict[str, Any]]:
    """A conf; ``values`` are keys of source, archive and catalog by their own names."""
    catalog = {"database": values.pop("database")} if "database" in values else {}
    archive = {
        "uri": values.pop("uri", str(directory / "archive")),
        "checkpoint": str(directory / "checkpoint"),
        "trigger": values.pop("trigger", "0 seconds"),
    }
    source = {"stream": stream, "start": "TRIM_HORIZON", **values}
    return {"source": source, "archive": archive, "catalog": {"enabled": bool(catalog), **catalog}}
