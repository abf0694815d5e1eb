"""Tables in a directory that follow an archive in another, and readers that share nothing with what made them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deltalake
import pytest
from pyspark.sql import SparkSession

import schemas
from jobs.latest.update import Latest, open_tables
from jobs.settings import LatestSettings
from jobs.sinks.storage import Storage, open_storage
from tests.latest.making import Row, latest_of


@dataclass(frozen=True)
class Followed:
    """An archive and the tables that follow it."""

    spark: SparkSession
    archive: Storage
    place: Path
    conf: LatestSettings
    types: tuple[str, ...]

    def tables(self, **conf: Any) -> Latest:
        """The tables as a process that was just started sees them."""
        settings = self.conf.model_copy(update=conf)
        of = {type: schema for type, schema in schemas.load().items() if type in self.types}
        return open_tables(self.spark, self.archive, open_storage(str(self.place)), of, settings)

    def update(self, *, anew: bool = False, **conf: Any) -> bool:
        """A pass of a process of its own."""
        return self.tables(**conf).update(anew=anew)

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
            by_delta_rs = {
                reference: {name: value for name, value in row.items() if name != "bucket"}
                for reference, row in self.state(type).items()
            }
            assert by_delta_rs == due.get(type, {}), type
            rows = self.spark.read.format("delta").load(str(self.place / type)).drop("bucket").collect()
            assert {row.reference.id: row.asDict(recursive=True) for row in rows} == by_delta_rs


MakeFollowed = Callable[..., Followed]


@pytest.fixture
def followed(spark: SparkSession, tmp_path: Path) -> MakeFollowed:
    """Makes an empty archive, or takes one, and a place for its tables."""

    def make(
        archive: Storage | None = None, types: Sequence[str] = schemas.RECORD_TYPES, **conf: Any
    ) -> Followed:
        settings = LatestSettings(**{"buckets": 4, **conf})
        storage = archive or open_storage(str(tmp_path / "archive"))
        return Followed(spark, storage, tmp_path / "latest", settings, tuple(types))

    return make
