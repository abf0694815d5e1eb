"""The machine and the versions that figures belong to."""

import os
import platform
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession


def pin(cores: int) -> int:
    """Keep this process, and all that it starts from now on, to so many cores; how many it has then.

    Without it Java's compiler and collector and the Python workers would use further ones. Where the system can't do
    that (macOS) Spark alone is kept to the cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        return min(cores, os.cpu_count() or 1)
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, allowed)
    return len(allowed)


def machine(spark: SparkSession) -> dict[str, Any]:
    """Cores used and there, memory in bytes, system and versions."""
    assert spark._jvm is not None, "a classic session has a JVM"
    return {
        "coresUsed": spark.sparkContext.defaultParallelism,
        "cores": os.cpu_count(),
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
        "java": spark._jvm.java.lang.System.getProperty("java.version"),
        "spark": spark.version,
        "python": platform.python_version(),
    }


def described(facts: Mapping[str, Any]) -> str:
    """The machine in one line."""
    return (
        f"{facts['coresUsed']} of {facts['cores']} cores, {facts['memoryBytes'] / 1e9:.1f} GB, {facts['system']}, "
        f"Java {facts['java']}, Spark {facts['spark']}, Python {facts['python']}"
    )
