"""What is told of Spark's errors: where they happened, never what they say, for that may be a record's values."""

from pathlib import Path

import pytest
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
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


def test_an_error_of_ours_in_a_batch_is_the_one_that_is_told(spark: SparkSession, tmp_path: Path) -> None:
    def fail(_batch: DataFrame, _batch_id: int) -> None:
        raise RecordsExpired("they are gone")

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    rows = spark.readStream.text(str(tmp_path / "in")).writeStream.foreachBatch(fail)
    query = rows.option("checkpointLocation", str(tmp_path / "checkpoint")).start()
    with pytest.raises(RecordsExpired, match=r"^they are gone$"), told_in_one_line():
        query.awaitTermination(60)
