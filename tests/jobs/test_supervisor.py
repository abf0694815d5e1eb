"""A query ends between two batches, whatever it is about to do."""

import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.supervisor import Supervisor


def test_a_batch_that_begins_while_the_job_stops_is_left_for_the_next_start(
    spark: SparkSession, tmp_path: Path
) -> None:
    supervisor, archived = Supervisor(), []
    rows = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
    guarded = supervisor.guarded(lambda _, number: archived.append(number))
    began: list[int] = []

    def batch(frame: DataFrame, number: int) -> None:
        began.append(number)
        guarded(frame, number)

    query = rows.writeStream.foreachBatch(batch).option("checkpointLocation", str(tmp_path)).start()

    def is_committed(number: int) -> bool:
        until = time.monotonic() + 30
        while began[-1] == number and time.monotonic() < until:
            time.sleep(0.01)
        return True

    supervisor.supervise(query, is_done=lambda: len(archived) >= 2, is_committed=is_committed)
    assert not query.isActive
    assert query.exception() is None
    assert began[-1] == archived[-1] + 1, "a batch began after the stop was asked for"
    assert not (tmp_path / "commits" / str(began[-1])).exists()
