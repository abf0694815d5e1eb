"""Structured logging: one JSON object a line on standard output, times in UTC, never a record's values."""

import logging
import sys

import structlog


def configure_logging() -> None:
    """Make every log line of this process JSON with ``timestamp``, ``level`` and ``event``."""
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
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
