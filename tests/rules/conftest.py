"""What several modules of the rulebook look at."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from jobs.archive import STREAMING
from jobs.session import settings_of
from jobs.sinks.storage import Storage
from tests.rules import archives, bad_input
from tests.rules.change_events import Outcomes, archived


@pytest.fixture(scope="package", autouse=True)
def _planned_as_of_a_stream(spark: SparkSession) -> Iterator[None]:
    """The rules' steps are planned as in the batches of a stream."""
    with settings_of(spark, STREAMING):
        yield


@pytest.fixture(scope="session")
def bad_outcomes(spark: SparkSession) -> Outcomes:
    """What becomes of all the bad input that there is, in one batch."""
    return archived(spark, bad_input.CASES)


@pytest.fixture(scope="session")
def archived_batch(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """A directory in which one batch was archived (`archives.PAYLOADS`), as the job does it; not to be written to."""
    return archives.archive(spark, tmp_path_factory.mktemp("archive"))
