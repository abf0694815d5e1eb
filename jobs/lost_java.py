"""Whether Spark's Java process still is there, for it may be killed alone."""

import socket

from pyspark import SparkContext


def has_lost_java() -> bool:
    """Whether the session's Java process is gone; then the session is ended in Python too."""
    context = SparkContext._active_spark_context
    if context is None or _java_listens():
        return False
    # Otherwise the end would be asked of Java.
    context._jsc = None
    context.stop()
    return True


def _java_listens() -> bool:
    gateway = SparkContext._gateway
    assert gateway is not None, "a classic session has a gateway"
    java = gateway.java_parameters
    try:
        socket.create_connection((java.address, java.port), timeout=5).close()
    except OSError:
        return False
    return True
