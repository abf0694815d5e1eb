"""BR-008 to BR-011: the date a record is archived under."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import at
from transforms.iso8601 import instant, utc_date
from transforms.messages import malformed_date

# Per record type the rule and the attributes to take the date from: the first that is present.
_SOURCES = {
    "demand": ("BR-008", ("date.requested",)),
    "notification": ("BR-009", ("date.created",)),
    "event": ("BR-010", ("date.firstSeen", "eventDate.start.dateTime")),
    "sale": ("BR-011", ("saleStartDateTime",)),
}


def add_partition_date(df: DataFrame, batch_time: Column) -> DataFrame:
    """BR-008..011: ``partitionDate``, the UTC date of the record's own date.

    In: ``type``, ``message`` and the record's columns; ``batch_time``, ISO text, is an event's last fallback. A
    fallback is taken where a value is absent, not where it is malformed: that is a ``message``. Out:
    ``partitionDate string`` (YYYY-MM-DD), null where there is a message.

    >>> from schemas import load, merged_attributes
    >>> from transforms.columns import walk
    >>> names = [".".join(path) for path, _ in walk(merged_attributes(load()))]
    >>> def sale(start):
    ...     row = {"type": "sale", "saleStartDateTime": start}
    ...     return spark.range(1).select(*(F.lit(row.get(name)).cast("string").alias(name) for name in (*names, "message")))
    >>> df = sale("2026-03-01T00:30:00+05:30").union(sale("12:30"))
    >>> df.transform(add_partition_date, F.lit("2026-03-02T00:00:00.000Z")).select("partitionDate", "message").show(truncate=False)
    +-------------+--------------------------------------------------------+
    |partitionDate|message                                                 |
    +-------------+--------------------------------------------------------+
    |2026-02-28   |NULL                                                    |
    |NULL         |sale: saleStartDateTime is not an ISO-8601 date (BR-011)|
    +-------------+--------------------------------------------------------+
    <BLANKLINE>
    """
    text, failure = F.lit(None).cast("string"), F.lit(None).cast("string")
    for record_type, (rule, paths) in _SOURCES.items():
        is_type = F.col("type") == record_type
        text = F.when(is_type, F.coalesce(*map(at, paths), batch_time)).otherwise(text)
        failure = F.when(is_type, _failure(record_type, rule, paths)).otherwise(failure)
    date = F.when(F.col("message").isNull(), utc_date(instant(text)))
    malformed = F.when(F.col("partitionDate").isNull(), failure)
    return df.withColumn("partitionDate", date).withColumn("message", F.coalesce("message", malformed))


def _failure(record_type: str, rule: str, paths: tuple[str, ...]) -> Column:
    messages = (F.when(at(path).isNotNull(), malformed_date(record_type, path, rule)) for path in paths)
    return F.coalesce(*messages)
