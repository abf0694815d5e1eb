"""What is told of Spark's errors: where they happened, never what they say, for that may be a record's values."""

from pathlib import Path

import pytest
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import Row

from jobs.errors import PipelineError
from jobs.sinks.failures import RecordsExpired
from jobs.spark_errors import told_in_one_line

NUMBER = "+15555550100"


def test_an_error_of_spark_is_told_without_the_values_that_it_quotes(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = spark.createDataFrame([(f"{NUMBER}x",)], "phone string")
    with pytest.raises(PipelineError) as raised, told_in_one_line():
        frame.select(F.col("phone").cast("int")).collect()
    told = capsys.readouterr().err
    assert (
        raised.value.message
        == "Spark failed: CAST_INVALID_INPUT; where is told above, what it said may hold values"
    )
    assert "test_spark_errors.py" in told
    assert "org.apache.spark.SparkNumberFormatException CAST_INVALID_INPUT" in told
    assert NUMBER not in told


def test_an_error_of_python_in_a_task_is_told_by_where_it_was_raised(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(row: Row) -> None:
        raise ValueError(row.phone)

    frame = spark.createDataFrame([(NUMBER,)], "phone string")
    with pytest.raises(PipelineError, match=r"^Spark failed: ") as raised, told_in_one_line():
        frame.foreach(fail)
    told = capsys.readouterr().err
    assert ", in fail" in told
    assert NUMBER not in told + raised.value.message


def test_an_error_without_words_has_a_name() -> None:
    with pytest.raises(PipelineError, match=r"^Spark failed: Py4JError;"), told_in_one_line():
        raise Py4JError("")


@pytest.mark.parametrize(
    "thrown",
    [
        "java.io.IOException: No space left on device",
        "java.io.FileNotFoundException: /tmp/blockmgr-1/0c/temp_shuffle_2 (No space left on device)",
        "java.nio.file.FileSystemException: /tmp/blockmgr-1/0c: No space left on device",
    ],
)
def test_a_disk_that_is_full_under_a_task_is_named(thrown: str) -> None:
    told = f"Job aborted: Lost task 0.0 in stage 1.0 (TID 1) (127.0.0.1 executor driver): {thrown}\n\tat java.base"
    with (
        pytest.raises(PipelineError, match=r"\(No space left on device\): see to the disk"),
        told_in_one_line(),
    ):
        raise PySparkException(told)


def test_a_value_that_speaks_of_a_disk_is_no_full_disk() -> None:
    told = "[CAST_INVALID_INPUT] The value 'java.io.IOException: No space left on device' can't be cast"
    with pytest.raises(PipelineError, match=r"^Spark failed: "), told_in_one_line():
        raise PySparkException(told)


def test_an_error_of_ours_in_a_batch_is_the_one_that_is_told(spark: SparkSession, tmp_path: Path) -> None:
    def fail(_batch: DataFrame, _batch_id: int) -> None:
        raise RecordsExpired("they are gone")

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    rows = spark.readStream.text(str(tmp_path / "in")).writeStream.foreachBatch(fail)
    query = rows.option("checkpointLocation", str(tmp_path / "checkpoint")).start()
    with pytest.raises(RecordsExpired, match=r"^they are gone$"), told_in_one_line():
        query.awaitTermination(60)
