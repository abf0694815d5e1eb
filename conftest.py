"""What every test and doctest shares: one Spark session, started by the first one that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

pytest_plugins = ["tests.figures", "tests.no_personal_data", "tests.seeds"]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    # Imported here, so that a run without Spark doesn't wait for it.
    from jobs.session import spark_session
    from tests.short_run import SHORT_RUN

    with pytest.MonkeyPatch.context() as environment:
        for name, options in SHORT_RUN.items():
            environment.setenv(name, options)
        session = spark_session("dmd-pipeline-tests", cores=2)
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def _names_of_doctests(request: pytest.FixtureRequest) -> None:
    """Give a doctest `spark` and `F` where it uses them."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    example = request.node.dtest
    source = "".join(line.source for line in example.examples)
    names: dict[str, Any] = {}
    if "spark" in source:
        names["spark"] = request.getfixturevalue("spark")
    if "F." in source:
        from pyspark.sql import functions

        names["F"] = functions
    example.globs.update(names)
