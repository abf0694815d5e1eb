"""Whether a payload is one JSON object: what follows it counts, although from_json passes over it."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def in_array(payload: str, sentinel: str) -> Column:
    """The payload as the first of two elements of a JSON array; both arguments name string columns.

    Trailing text breaks the array, adds an element or hides the second one, a sentinel that no payload holds by
    accident.

    >>> df = spark.createDataFrame([("{}", "s1")], "payload string, sentinel string")
    >>> df.select(in_array("payload", "sentinel")).first()[0]
    '[{},{"eventName":"s1"}]'
    """
    return F.concat(F.lit("["), F.col(payload), F.lit(',{"eventName":"'), F.col(sentinel), F.lit('"}]'))


def is_one_event(events: str | Column, sentinel: str) -> Column:
    """Whether such an array, parsed, holds the payload and the sentinel and nothing else; null where it is null.

    >>> rows = [([("INSERT",), ("s1",)],), ([("INSERT",), ("MODIFY",), ("s1",)],)]
    >>> df = spark.createDataFrame(rows, "events array<struct<eventName: string>>").withColumn("sentinel", F.lit("s1"))
    >>> [row[0] for row in df.select(is_one_event("events", "sentinel")).collect()]
    [True, False]
    """
    return (F.size(events) == 2) & (F.get(events, F.lit(1))["eventName"] == F.col(sentinel))
