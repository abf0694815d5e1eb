"""How spark-submit is asked to run a job: files of the release, and the settings that the guarantees rest on."""

from collections.abc import Iterator

from emr.release import Release
from emr.settings import EmrSettings
from jobs.java import COMPILE_ALL
from jobs.settings import Settings

PYTHON = "./environment/bin/python"
_DELTA = "/usr/share/aws/delta/lib"


def spark_submit_parameters(
    job: str, release: Release, folder: str, settings: Settings, emr: EmrSettings
) -> str:
    """What StartJobRun calls ``sparkSubmitParameters``; ``folder`` is where the release's files are on S3.

    No quote or backslash is in it, so that a template can hold it inside of JSON.
    """
    jars = [f"{folder}/{jar}" for jar in release.jars]
    spark = {**_SAME_FOR_ALL, **_region(settings.source.region), **_sizes(emr)}
    if job == "latest":
        jars += [f"{_DELTA}/delta-spark.jar", f"{_DELTA}/delta-storage.jar"]
        spark |= _DELTA_SETTINGS
    words = [
        *("--py-files", f"{folder}/packages.zip"),
        *("--jars", ",".join(jars)),
        *("--archives", f"{folder}/{release.dependencies(emr.architecture)}#environment"),
        *_as_words(spark),
    ]
    return " ".join(words)


_SAME_FOR_ALL = {
    # The image's Python, with the packages of the release: what is in the image may be of any version.
    "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": PYTHON,
    "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": PYTHON,
    "spark.executorEnv.PYSPARK_PYTHON": PYTHON,
    # Dates and partition dates are of UTC (BR-008 to BR-011); spark_session() insists on it once more.
    "spark.sql.session.timeZone": "UTC",
    # The jobs speak to Glue themselves: Spark's own metastore client would only start slowly and want rights.
    "spark.sql.catalogImplementation": "in-memory",
    # A second attempt of a writing task would PUT the same bytes again: right, but paid twice.
    "spark.speculation": "false",
    # A fixed number of executors: the cost has a bound, and no batch waits for a worker that comes and goes.
    "spark.dynamicAllocation.enabled": "false",
    # A stream runs for months: its event log rolls. Logs of driver and executors are rotated by EMR Serverless itself.
    "spark.eventLog.rolling.enabled": "true",
    "spark.eventLog.rolling.maxFileSize": "128m",
    # As in jobs/session.py, where the reason stands: it makes the transforms faster.
    "spark.executor.extraJavaOptions": COMPILE_ALL,
    # As in jobs/session.py: the plans kept for Spark's UI would take 0.3 GB of the driver.
    "spark.sql.ui.retainedExecutions": "50",
}
_DELTA_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def _region(region: str | None) -> dict[str, str]:
    """Where S3 and Glue are, for the clients that a job makes without naming it; the image alone need not say it."""
    workers = ("spark.emr-serverless.driverEnv", "spark.executorEnv")
    return {f"{worker}.AWS_REGION": region for worker in workers} if region else {}


def _sizes(emr: EmrSettings) -> dict[str, str]:
    """The workers: half of a worker's memory is Java's, the rest is for the Python processes beside it.

    In the driver that is the source, which holds a batch (source.max_bytes_per_batch) up to three times while it hands it to
    Spark; in an executor the writers, each of which holds a container (archive.max_container_bytes) until it is sent.
    """
    return {
        "spark.driver.cores": str(emr.driver_cores),
        **_memory("driver", emr.driver_memory_gb),
        "spark.executor.instances": str(emr.executors),
        "spark.executor.cores": str(emr.executor_cores),
        **_memory("executor", emr.executor_memory_gb),
    }


def _memory(worker: str, gigabytes: int) -> dict[str, str]:
    beside = gigabytes // 2
    return {
        f"spark.{worker}.memory": f"{gigabytes - beside}g",
        f"spark.{worker}.memoryOverhead": f"{beside}g",
    }


def _as_words(settings: dict[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        yield from ("--conf", f"{name}={value}")
