"""The Spark session: a local one in one call, or the one that spark-submit prepared."""

import atexit
import contextlib
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

import pyspark
from pyspark import SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from jobs.errors import PipelineError
from jobs.java import COMPILE_ALL, find_java
from jobs.lost_java import has_lost_java

_SPARK = Path(pyspark.__file__).parent
# True of every session, wherever it runs.
_ALWAYS = {
    "spark.sql.session.timeZone": "UTC",  # the rules know no other (rules of time, BR-008 to BR-011)
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",  # LEGACY writes .000789 for .789012
    "spark.sql.json.enablePartialResults": "false",  # broken JSON is no event, not half of one
    "spark.sql.variant.allowDuplicateKeys": "true",  # of repeated JSON keys the last counts
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    # Spark would note the line of code behind each of some thousand Columns: 3 seconds more to build the steps.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # A query killed while it logs batch 0 leaves a temporary file there; the source refuses foreign checkpoints itself.
    "spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart": "false",
}
# What Java compiles, Spark may fuse (14 % faster); code that is never compiled is many times slower.
_METHOD_LIMIT = "spark.sql.codegen.hugeMethodLimit"


class SessionError(PipelineError):
    """Spark's Java process didn't start, or has nowhere to keep its files."""


class JarsMissingError(PipelineError):
    """Spark would lack a jar that the pipeline needs."""


def spark_session(
    app_name: str = "dmd-pipeline",
    *,
    cores: int | None = None,
    local_dir: str | os.PathLike[str] | None = None,
    conf: Mapping[str, str] | None = None,
) -> SparkSession:
    """Return the Spark session of this process; make a local one where there is none yet.

    Started by `spark-submit`, the process keeps what it was submitted with (master, name, jars, memory).
    A session that is there already is returned as it is, with the settings of `conf` that can still change.

    Args:
        app_name: The application's name; `spark-submit --name` wins over it.
        cores: Threads of a local session, by default all cores of the machine.
        local_dir: Where a local session keeps shuffle files and its warehouse. By default a temporary
            directory that goes away with the process.
        conf: Spark settings, `{"spark.driver.memory": "4g"}`; they win over the defaults here.

    Raises:
        jobs.java.JavaMissingError: No Java 17 or 21 runtime was found.
        JarsMissingError: spark-avro or Delta is missing.
        SessionError: Java was found but Spark's process ended at once, or there is no room for temporary files.
    """
    everywhere = {**_ALWAYS, **(conf or {})}
    if SparkContext._active_spark_context is not None:
        return _build(everywhere)
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return _checked(_build(everywhere))
    threads = cores or os.cpu_count() or 1
    settings = _prepared(threads, local_dir, {"spark.app.name": app_name, **everywhere})
    try:
        return _build(settings)
    except PySparkRuntimeError as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        raise SessionError(
            f"Spark's Java process ended at its start; Java is {os.environ['JAVA_HOME']}, the reason is above"
        ) from error


@contextlib.contextmanager
def settings_of(spark: SparkSession, conf: Mapping[str, str]) -> Iterator[None]:
    """The session has these runtime settings for a while, then what it had before."""
    before = {name: spark.conf.get(name, None) for name in conf}
    try:
        for name, value in conf.items():
            spark.conf.set(name, value)
        yield
    finally:
        for name, was in before.items():
            spark.conf.unset(name) if was is None else spark.conf.set(name, was)


def find_jars() -> list[Path]:
    """Return the jars that `make setup` fetched and PySpark doesn't bring: spark-avro and Delta.

    Raises:
        JarsMissingError: They aren't there.
    """
    jars = sorted(Path(sys.prefix, "jars").glob("*.jar"))
    names = " ".join(jar.name for jar in jars)
    if not all(needed in names for needed in ("spark-avro_", "delta-spark_", "delta-storage-")):
        raise JarsMissingError(
            f"The jars for Spark are missing from {Path(sys.prefix, 'jars')}: run `make setup`"
        )
    return jars


def spark_home(directory: Path, *parts: str) -> Path:
    """Make `directory` another `SPARK_HOME`, of links to these parts beside what starts Spark.

    Without the part `python`, in which PySpark is zipped, Spark's Python processes import the installed PySpark. A zip
    holds no compiled files: each process would compile PySpark at its start, half a second of CPU time.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for part in ("bin", "jars", *parts):
        link = directory / part
        if link.resolve() != (_SPARK / part).resolve():
            link.unlink(missing_ok=True)  # of a Spark that was installed before
            with contextlib.suppress(FileExistsError):  # another process makes the same
                link.symlink_to(_SPARK / part)
    return directory


def _prepared(
    threads: int, local_dir: str | os.PathLike[str] | None, settings: Mapping[str, str]
) -> dict[str, str]:
    """The settings with those of a local session, for which the environment is ready. Raises SessionError."""
    try:
        scratch = Path(local_dir).absolute() if local_dir else _temporary_directory()
        everything = {**_local(threads, scratch), **settings}
        _prepare_environment(scratch)
    except OSError as error:
        raise SessionError(
            f"Spark's temporary files can't be written ({error.strerror}): see to the disk, or set TMPDIR to another, then go on"
        ) from error
    return everything


def _local(threads: int, scratch: Path) -> dict[str, str]:
    """Settings of a local session: quiet, on loopback, and nothing of it in the working directory."""
    # A copy, because the package may be inside a zip.
    logging = scratch / "log4j2.properties"
    logging.write_text((resources.files("jobs") / "log4j2.properties").read_text())
    java_options = (
        f"-XX:+UseParallelGC {COMPILE_ALL} -Duser.timezone=UTC -Dlog4j2.configurationFile={logging.as_uri()} "
        f"-Dderby.system.home={scratch} -Djava.io.tmpdir={scratch}"
    )
    return {
        "spark.master": f"local[{threads}]",
        "spark.driver.memory": "2g",
        "spark.driver.extraClassPath": os.pathsep.join(map(str, find_jars())),
        "spark.driver.extraJavaOptions": java_options,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Of so many queries Spark keeps the plans for its UI, by default 1,000: ours take 0.3 MB each, a batch is two.
        "spark.sql.ui.retainedExecutions": "50",
        "spark.sql.warehouse.dir": (scratch / "warehouse").as_uri(),
        "spark.sql.shuffle.partitions": str(threads),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    }


def _prepare_environment(scratch: Path) -> None:
    """Start the Spark, Java and Python of this environment, whatever others the shell's variables name."""
    os.environ["JAVA_HOME"] = str(find_java())
    # In the scratch directory, because a local cluster keeps its executors' files and logs in there.
    os.environ["SPARK_HOME"] = str(spark_home(scratch / "spark"))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # As the setting spark.local.dir it would work as well, with a warning at every start.
    os.environ["SPARK_LOCAL_DIRS"] = str(scratch)
    # Without it Spark warns that the host's name is a loopback address.
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"


def _build(settings: dict[str, str]) -> SparkSession:
    builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.conf.set(_METHOD_LIMIT, "65535" if COMPILE_ALL in _java_options_of_tasks(spark) else "8000")
    return spark


def _java_options_of_tasks(spark: SparkSession) -> str:
    conf = spark.sparkContext.getConf()
    tasks = "driver" if conf.get("spark.master", "").startswith("local[") else "executor"
    kinds = ("defaultJavaOptions", "extraJavaOptions")
    return " ".join(conf.get(f"spark.{tasks}.{kind}", "") for kind in kinds)


def _checked(spark: SparkSession) -> SparkSession:
    """Fail now, not in the first batch, where what was submitted has no spark-avro."""
    assert spark._jvm is not None, "a classic session has a JVM"
    loader = spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()
    if loader.getResource("org/apache/spark/sql/avro/CatalystDataToAvro.class") is None:
        raise JarsMissingError(
            "spark-avro is not on the class path: add "
            "`--packages org.apache.spark:spark-avro_2.13:4.1.1` (or its file with --jars) to spark-submit"
        )
    return spark


@functools.cache
def _temporary_directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="dmd-pipeline-"))
    atexit.register(_remove, directory)
    return directory


def _remove(directory: Path) -> None:
    # Spark first: while it runs it makes files in there.
    if SparkContext._active_spark_context is not None and not has_lost_java():
        SparkContext._active_spark_context.stop()
    shutil.rmtree(directory, ignore_errors=True)
