"""A real archive, made once by the batch writer, and copies of it on both kinds of storage to do damage to."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.demo.emulator import Emulator
from jobs.demo.publish import create_bucket
from jobs.sinks.storage import Storage, open_storage
from tests.verify.making import make_archive

MakeCopy = Callable[[], Storage]


@pytest.fixture(scope="session")
def aws() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="package")
def on_aws(aws: Emulator, spark: SparkSession) -> Iterator[Emulator]:
    """Every new client of this process and of Spark's workers is led to the emulator."""
    settings = {name: value for name, value in aws.environment().items() if name.startswith("AWS_")}
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
            patch.setitem(spark.sparkContext.environment, name, value)
        yield aws


@pytest.fixture(scope="package")
def archive(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """The archive that nobody damages."""
    storage = open_storage(str(tmp_path_factory.mktemp("verify") / "archive"))
    make_archive(spark, storage)
    return storage


@pytest.fixture(scope="package", params=["file", "s3"])
def copied(
    request: pytest.FixtureRequest,
    archive: Storage,
    on_aws: Emulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> MakeCopy:
    """Makes a copy of the archive on a storage of each kind."""

    def make() -> Storage:
        return copy(archive, empty(request.param, on_aws, tmp_path_factory.mktemp("copy")))

    return make


def empty(kind: str, aws: Emulator, directory: Path) -> Storage:
    if kind == "file":
        return open_storage(str(directory / "archive"))
    bucket = f"archive-{uuid.uuid4().hex[:12]}"
    create_bucket(aws, bucket)
    return open_storage(f"s3://{bucket}/some/prefix")


def copy(archive: Storage, to: Storage) -> Storage:
    for key in archive.list():
        to.put(key, archive.get(key))
    return to
