"""BR-004: a removal marks the record as deleted."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.change_time import change_time, exact_creation_time
from transforms.columns import at
from transforms.iso8601 import iso_millis


def mark_deleted(df: DataFrame, batch_time: Column) -> DataFrame:
    """BR-004: REMOVE sets ``isDeleted`` and ``date.deleted``, the time of the change or else the batch's time.

    In: ``payload``, ``event`` and the record's columns; ``batch_time`` is the batch's time as ISO text. Out:
    ``isDeleted`` is true or null (false in an image is the same as absent), ``date`` is there where
    ``date.deleted`` is set, and ``created timestamp``, the time of the change, is added.

    >>> df = spark.sql('''select named_struct('eventName', 'REMOVE',
    ...     'ApproximateCreationDateTime', '1772368496789', 'ApproximateCreationDateTimePrecision', 'MILLISECOND') event,
    ...     '' payload, false isDeleted, false date, cast(null as string) `date.deleted`''')
    >>> df = df.transform(mark_deleted, F.lit("2026-03-02T00:00:00.000Z"))
    >>> df.select("isDeleted", "date", "`date.deleted`").show(truncate=False)
    +---------+----+------------------------+
    |isDeleted|date|date.deleted            |
    +---------+----+------------------------+
    |true     |true|2026-03-01T12:34:56.789Z|
    +---------+----+------------------------+
    <BLANKLINE>
    """
    created_text = exact_creation_time(F.col("event.ApproximateCreationDateTime"))
    created = change_time(created_text, F.col("event.ApproximateCreationDateTimePrecision"))
    is_removal = F.col("event.eventName") == "REMOVE"
    deleted_at = F.coalesce(iso_millis(F.col("created")), batch_time)
    return df.withColumn("created", created).withColumns(
        {
            "isDeleted": F.when(is_removal | at("isDeleted"), True),
            "date": is_removal | at("date"),
            "date.deleted": F.when(is_removal, deleted_at).otherwise(at("date.deleted")),
        }
    )
