"""The benchmark of the latest-state tables, in a short form."""

from pathlib import Path

from pyspark.sql import SparkSession

from bench.latest import FEW, latest_lines, latest_report, measure_latest

RECORDS = 20_000
PASSES = [
    "first pass",
    "changes everywhere",
    "changes of few events",
    "changes of few events",
    "changes of many events",
    "rebuild",
]


def test_every_pass_is_measured(spark: SparkSession, tmp_path: Path) -> None:
    said: list[str] = []
    measured = measure_latest(spark, tmp_path, [RECORDS], said.append)
    assert [one.what for one in measured] == PASSES
    assert len(said) == len(measured)
    first, everywhere, few, _, many, rebuild = measured
    assert (first.changes, everywhere.changes, few.changes, many.changes) == (15_000, 5_000, FEW, FEW)
    assert (first.rewritten_bytes, rebuild.changes) == (0, RECORDS + 3 * FEW)
    assert 0 < few.rewritten_bytes < everywhere.rewritten_bytes / 4
    assert many.rewritten_bytes > 4 * few.rewritten_bytes
    table = spark.read.format("delta").load(str(tmp_path / str(RECORDS) / "latest" / "demand"))
    assert table.count() == first.rows == 15_000
    text = "\n".join(latest_lines(measured))
    assert all(what in text for what in PASSES)
    assert len(latest_report(measured)["latest"]) == len(measured)
