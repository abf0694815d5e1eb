"""What only a running Spark can tell of the conf, asked before the query starts."""

from py4j.java_gateway import JVMView  # type: ignore[import-untyped]
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import IllegalArgumentException
from pyspark.sql import SparkSession

from jobs.checkpoint import CheckpointError
from jobs.settings import SettingsError
from jobs.sinks.storage import Storage
from transforms import SystemUserIdPattern


def check_spark_reaches(spark: SparkSession, checkpoint: Storage) -> None:
    """Raise CheckpointError where we can write to the checkpoint but Spark can't: its S3 client comes with EMR only."""
    if not spark_reaches(spark, checkpoint):
        raise CheckpointError(
            f"archive.checkpoint {checkpoint.uri}: this Spark has no file system for it; on EMR it has, elsewhere use a "
            "local directory"
        )


def spark_reaches(spark: SparkSession, storage: Storage) -> bool:
    """Whether Spark itself can read and write there."""
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    try:
        _jvm(spark).org.apache.hadoop.fs.Path(storage.uri).getFileSystem(hadoop)
    except Py4JJavaError:
        return False
    return True


def check_pattern(spark: SparkSession, pattern: SystemUserIdPattern) -> None:
    """Raise SettingsError where Java, which splits a systemUserId by it (BR-007), can't compile the pattern."""
    try:
        _jvm(spark).java.util.regex.Pattern.compile(pattern.java)
    except IllegalArgumentException as error:
        why = str(error).splitlines()[0]
        raise SettingsError(f"system_user_id.pattern: Java refuses it: {why}") from error


def _jvm(spark: SparkSession) -> JVMView:
    jvm = spark.sparkContext._jvm
    assert jvm is not None, "a classic session has a JVM"
    return jvm
