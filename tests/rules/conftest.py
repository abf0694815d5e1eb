"""What several modules of the rulebook look at."""

import pytest
from pyspark.sql import SparkSession

from tests.rules import bad_input
from tests.rules.change_events import Outcomes, archived


@pytest.fixture(scope="session")
def bad_outcomes(spark: SparkSession) -> Outcomes:
    """What becomes of all the bad input that there is, in one batch."""
    return archived(spark, bad_input.CASES)
