"""Structured logging: one JSON object a line, times in UTC, never a record's values."""

import logging
import sys
from typing import TextIO

import structlog


def configure_logging(to: TextIO | None = None, level: int = logging.INFO) -> None:
    """Make every log line of this process JSON with ``timestamp``, ``level`` and ``event``.

    It goes to standard output, or ``to`` standard error where the output is a command's result. Lines below ``level``
    are left out.
    """
    # It prints a traceback of whatever a batch raises; Spark hands that back to the driver, which tells of it.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(to or sys.stdout),
        cache_logger_on_first_use=True,
    )
