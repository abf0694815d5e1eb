"""What Spark raises, turned into this project's errors."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from jobs.checkpoint import CheckpointError
from jobs.errors import PipelineError
from jobs.sinks.write import own_error


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Raise Spark's errors as the ``PipelineError`` that they come from.

    Where they come from none of ours, the traceback goes to standard error and the ``PipelineError`` is its gist.
    """
    try:
        yield
    except (PySparkException, Py4JError) as error:
        known = own_error(error) or _of_another_job(error)
        if known is None:
            traceback.print_exception(error)
            known = PipelineError(f"Spark failed: {_gist(error)}")
        raise known from error


def _of_another_job(error: Exception) -> PipelineError | None:
    """Spark's own word for two queries on one checkpoint: each logs a batch where the other has logged it already."""
    if "CONCURRENT_STREAM_LOG_UPDATE" not in str(error):
        return None
    return CheckpointError(
        "another job uses the same archive.checkpoint and was first with this batch: it goes on, this one ends, and "
        "nothing is lost or archived twice; run one job per checkpoint"
    )


def _gist(error: Exception) -> str:
    told = str(error.java_exception) if isinstance(error, Py4JJavaError) else str(error)
    return told.strip().splitlines()[0]
