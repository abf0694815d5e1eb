"""The change a record came from, which makes the audit trail orderable (BR-020)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.iso8601 import iso_micros


def add_change(df: DataFrame) -> DataFrame:
    """BR-020: ``change {id, name, time, sequenceNumber}`` of the change event.

    In: ``event``, ``created timestamp``, ``sequenceNumber``. Out: ``change boolean``, ``change.id`` and so on.

    >>> columns = "eventID string, eventName string, created timestamp, sequenceNumber string"
    >>> df = spark.createDataFrame([("e1", "INSERT", None, "49")], columns)
    >>> df = df.select(F.struct("eventID", "eventName").alias("event"), "created", "sequenceNumber")
    >>> df.transform(add_change).drop("event", "created", "sequenceNumber").show()
    +------+---------+-----------+-----------+---------------------+
    |change|change.id|change.name|change.time|change.sequenceNumber|
    +------+---------+-----------+-----------+---------------------+
    |  true|       e1|     INSERT|       NULL|                   49|
    +------+---------+-----------+-----------+---------------------+
    <BLANKLINE>
    """
    return df.withColumns(
        {
            "change": F.lit(True),
            "change.id": F.col("event.eventID"),
            "change.name": F.col("event.eventName"),
            "change.time": iso_micros(F.col("created")),
            "change.sequenceNumber": F.col("sequenceNumber"),
        }
    )
