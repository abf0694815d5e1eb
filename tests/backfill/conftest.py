"""A conf for backfills into a directory, and runs within this process, which has Spark already."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.backfill.options import Options
from jobs.backfill.run import backfill
from jobs.settings import ArchiveSettings, Settings, SourceSettings
from tests.faults.conftest import aws, bucket, job, producer, proxy
from tests.jobs.archived import Archived

__all__ = ["aws", "bucket", "job", "producer", "proxy"]


@dataclass(frozen=True)
class Place:
    """An archive in a directory, and inputs beside it."""

    directory: Path
    settings: Settings

    def run(self, kind: str, path: Path, **options: Any) -> None:
        """A backfill."""
        backfill(self.settings, Options(kind, str(path), **options))

    @property
    def archive(self) -> Path:
        """Where the archive is."""
        return self.directory / "archive"

    @property
    def archived(self) -> Archived:
        """What it holds now."""
        return Archived.in_directory(self.archive)

    @property
    def objects(self) -> dict[str, bytes]:
        """What is archived: containers, archive errors and delivery records."""
        return {key: body for key, body in self.archived.objects.items() if not key.startswith("runs/")}


MakePlace = Callable[[], Place]


@pytest.fixture(scope="session")
def place(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> MakePlace:
    """Makes an empty archive."""
    assert spark is not None

    def make() -> Place:
        directory = tmp_path_factory.mktemp("backfill")
        archive = ArchiveSettings(uri=str(directory / "archive"), checkpoint=str(directory / "checkpoint"))
        return Place(directory, Settings(source=SourceSettings(stream="fans"), archive=archive))

    return make
