"""What Spark raises, turned into this project's errors."""

import errno
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger

from jobs.checkpoint import ANOTHER_JOB, CheckpointError
from jobs.errors import PipelineError, errors_by_name
from jobs.lost_java import has_lost_java

_FRAMES = 15
# PySpark logs what an error says when it makes one, before anybody can catch it.
_TELLING_VALUES = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
# What the operating system says of a file system, in Java's words: the same texts, and nothing else.
_DISK = "|".join(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG)))
# As the error itself, or behind a file's name: of the driver's Java, or in the text about a task.
_OF_DISK = re.compile(rf"\bjava\.n?io\.[\w.]+Exception: (?:.*[ (])?({_DISK})\)?$", re.MULTILINE)
_DIED = "was killed or crashed (is there enough memory?): start again, and give it more if that happens again"
_IN_PYTHON = re.compile(r'File "[^"\n]+\.py", line \d+, in \w+$', re.MULTILINE)


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Raise Spark's errors as the ``PipelineError`` that they come from.

    Where they come from none of ours, standard error gets where they happened, in Python and in Java, and the
    ``PipelineError`` names their kind. What they say is told nowhere: it may quote a record's values.
    """
    for logger in _TELLING_VALUES:
        PySparkLogger.getLogger(logger).setLevel(logging.CRITICAL)
    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        if has_lost_java():
            raise PipelineError(f"Spark's Java process {_DIED}") from error
        if isinstance(error, ConnectionError):
            raise
        known = own_error(error) or _of_another_job(error) or _of_a_disk(error) or _of_a_dead_process(error)
        if known is None:
            print("\n".join(_where(error)), file=sys.stderr)
            known = PipelineError(
                f"Spark failed: {_kind(error)}; where is told above, what it said may hold values"
            )
        raise known from error


def own_error(error: Exception) -> PipelineError | None:
    """The ``PipelineError`` that a task raised, found again in the text that reached the driver."""
    known = errors_by_name()
    told = re.findall(r"^\s*(?:[\w.]+\.)?(\w+): (.*)$", str(error), re.MULTILINE)
    # The last one: what it came from stands before it in a traceback.
    return next((known[name](message) for name, message in reversed(told) if name in known), None)


def _of_another_job(error: Exception) -> PipelineError | None:
    """Spark's own word for two queries on one checkpoint: each logs a batch where the other has logged it already."""
    if "CONCURRENT_STREAM_LOG_UPDATE" not in str(error):
        return None
    return CheckpointError(ANOTHER_JOB)


def _of_a_disk(error: Exception) -> PipelineError | None:
    """Where Spark can't write its own files: the checkpoint, and what its tasks hand each other."""
    found = _OF_DISK.search("\n".join([str(error), *(thrown.toString() for thrown in _thrown(error))]))
    if found is None:
        return None
    return PipelineError(
        f"Spark can't write its files, those of archive.checkpoint or temporary ones ({found[1]}): see to the disk, then go on"
    )


def _of_a_dead_process(error: Exception) -> PipelineError | None:
    """Where Java lost a Python process: one that runs tasks, or the one that finds out what there is to read."""
    if "Python worker exited unexpectedly" in str(error) or any(map(_lost_the_reader, _thrown(error))):
        return PipelineError(f"a Python process of Spark's {_DIED}")
    return None


def _lost_the_reader(thrown: Any) -> bool:
    """What the reader itself raises comes as an error of Spark's, not of Java's sockets."""
    frames = (frame.getClassName() for frame in islice(thrown.getStackTrace(), _FRAMES))
    return _class(thrown).startswith("java.") and any(
        "PythonStreamingSourceRunner" in name for name in frames
    )


def _kind(error: Exception) -> str:
    condition = error.getCondition() if isinstance(error, PySparkException) else None
    return condition or type(error).__name__


def _where(error: Exception) -> Iterator[str]:
    """The stack, then those of Java's causes and the frames of Python workers; no messages."""
    yield from (line.rstrip() for line in traceback.format_tb(error.__traceback__))
    yield from _where_in_java(error)
    yield from dict.fromkeys(_IN_PYTHON.findall(str(error)))


def _where_in_java(error: Exception) -> Iterator[str]:
    for thrown in _thrown(error):
        yield f"{_class(thrown)} {_condition(thrown)}".rstrip()
        yield from (f"    at {frame.toString()}" for frame in islice(thrown.getStackTrace(), _FRAMES))


def _thrown(error: Exception) -> Iterator[Any]:
    """What Java threw, each before its cause."""
    thrown: Any = (
        error.java_exception if isinstance(error, Py4JJavaError) else getattr(error, "_origin", None)
    )
    while thrown is not None:
        yield thrown
        thrown = thrown.getCause()


def _class(thrown: Any) -> str:
    return str(thrown.getClass().getName())


def _condition(thrown: Any) -> str:
    try:
        return thrown.getCondition() or ""
    except Py4JError:
        # Not one of Spark's own.
        return ""
