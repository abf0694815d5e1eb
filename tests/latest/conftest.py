"""Tables in a directory that follow an archive in another, and readers that share nothing with what made them."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import deltalake
import pytest
from pyspark.sql import SparkSession

import schemas
from jobs.latest.delta import unchecked
from jobs.latest.update import Latest, open_tables
from jobs.settings import LatestSettings
from jobs.sinks.storage import Storage, open_storage
from schemas import RecordSchema
from tests.latest.making import Row, latest_of, without_nulls


@dataclass(frozen=True)
class Followed:
    """An archive and the tables that follow it."""

    spark: SparkSession
    archive: Storage
    place: Path
    conf: LatestSettings
    types: tuple[str, ...]

    def copy(self, directory: Path) -> "Followed":
        """The same in another directory, for a test to change."""
        shutil.copytree(self.place.parent, directory, dirs_exist_ok=True)
        archive = open_storage(str(directory / "archive"))
        return replace(self, archive=archive, place=directory / self.place.name)

    def tables(
        self,
        record_schemas: dict[str, RecordSchema] | None = None,
        check: Callable[[], None] = unchecked,
        **conf: Any,
    ) -> Latest:
        """The tables as a process that was just started sees them."""
        settings = self.conf.model_copy(update=conf)
        of = {
            type: schema for type, schema in (record_schemas or schemas.load()).items() if type in self.types
        }
        return open_tables(self.spark, self.archive, open_storage(str(self.place)), of, settings, check)

    def update(self, *, anew: bool = False, without: Sequence[str] = (), **conf: Any) -> bool:
        """A pass of a process of its own."""
        return self.tables(**conf).update(anew=anew, without=without)

    def state(self, type: str = "demand") -> dict[str, Row]:
        """The table's rows by reference, read by delta-rs."""
        rows = deltalake.DeltaTable(self.place / type).to_pyarrow_table().to_pylist()
        found = {row["reference"]["id"]: row for row in rows}
        assert len(found) == len(rows), "a reference has two rows"
        return found

    def versions(self, type: str = "demand") -> int:
        """How many commits the table has had."""
        return int(deltalake.DeltaTable(self.place / type).version()) + 1

    def is_latest(self) -> None:
        """Fail unless the tables are what plain Python makes of the archive, for delta-rs and for Spark."""
        due = latest_of(self.archive)
        for type in self.types:
            by_delta_rs = self.state(type)
            for row in by_delta_rs.values():
                del row["bucket"]
            assert without_nulls(by_delta_rs) == without_nulls(due.get(type, {})), type
            rows = self.spark.read.format("delta").load(str(self.place / type)).drop("bucket").collect()
            assert {row.reference.id: row.asDict(recursive=True) for row in rows} == by_delta_rs


MakeFollowed = Callable[..., Followed]


def follow(
    spark: SparkSession,
    directory: Path,
    archive: Storage | None = None,
    types: Sequence[str] = schemas.RECORD_TYPES,
    **conf: Any,
) -> Followed:
    """An archive, empty unless one is given, and a place for its tables."""
    storage = archive or open_storage(str(directory / "archive"))
    settings = LatestSettings(**{"buckets": 4, **conf})
    return Followed(spark, storage, directory / "latest", settings, tuple(types))


@pytest.fixture
def followed(spark: SparkSession, tmp_path: Path) -> MakeFollowed:
    """Makes an archive and a place for its tables in the test's directory."""
    return partial(follow, spark, tmp_path)
