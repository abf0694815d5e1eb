"""BR-006: every record gets a reference, its identity and its time."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import RecordSchema
from transforms.columns import at
from transforms.iso8601 import instant

# Per record type, the parts of the reference id.
_IDS = {
    "demand": ("eventId", "saleId", "fanId"),
    "notification": ("eventId", "saleId", "fanId"),
    "event": ("id",),
    "sale": ("eventId", "id"),
}
# Where the reference timestamp comes from: the first that is present.
_TIMESTAMPS = {
    "notification": ("date.deleted", "date.updated"),
    "event": ("date.deleted", "date.updated"),
    "sale": ("date.deleted", "saleStartDateTime"),
}
DEMAND_DATES = ("date.requested", "date.triggered", "date.notified", "date.deleted")


def dates_of(demand: RecordSchema) -> tuple[str, ...]:
    """The paths of a demand's dates: whatever strings its schema has in ``date``.

    >>> from schemas import load
    >>> dates_of(load()["demand"]) == DEMAND_DATES
    True
    """
    (date,) = (each for each in demand.attributes if each.name == "date")
    return tuple(f"date.{child.name}" for child in date.children if child.kind == "string")


def add_reference(df: DataFrame, batch_time: Column, demand_dates: Sequence[str] = DEMAND_DATES) -> DataFrame:
    """BR-006: ``reference {id, timestamp}`` by record type.

    In: ``type`` and the record's columns; ``batch_time``, ISO text, is the last fallback, ``demand_dates`` are the
    paths whose latest instant is a demand's. Out: ``reference boolean``, true where there is a type,
    ``reference.id`` and ``reference.timestamp``, the latter as the record wrote it.

    >>> from schemas import load, merged_attributes
    >>> from transforms.columns import walk
    >>> row = {"type": "sale", "eventId": "e1", "id": "s1", "saleStartDateTime": "2026-05-01T10:00:00Z"}
    >>> names = [".".join(path) for path, _ in walk(merged_attributes(load()))]
    >>> df = spark.range(1).select(*(F.lit(row.get(name)).cast("string").alias(name) for name in names))
    >>> df.transform(add_reference, F.lit("now")).select("`reference.id`", "`reference.timestamp`").show(truncate=False)
    +------------+--------------------+
    |reference.id|reference.timestamp |
    +------------+--------------------+
    |e1_s1       |2026-05-01T10:00:00Z|
    +------------+--------------------+
    <BLANKLINE>
    """
    record_type, reference_id, timestamp = (
        F.col("type"),
        F.lit(None).cast("string"),
        F.lit(None).cast("string"),
    )
    for name, parts in _IDS.items():
        reference_id = F.when(record_type == name, F.concat_ws("_", *map(at, parts))).otherwise(reference_id)
    for name, fallbacks in _TIMESTAMPS.items():
        timestamp = F.when(record_type == name, F.coalesce(*map(at, fallbacks))).otherwise(timestamp)
    timestamp = F.when(record_type == "demand", latest(*map(at, demand_dates))).otherwise(timestamp)
    return df.withColumns(
        {
            "reference": record_type.isNotNull(),
            "reference.id": reference_id,
            "reference.timestamp": F.coalesce(timestamp, batch_time),
        }
    )


def latest(first: Column, *others: Column) -> Column:
    """The date string with the latest instant; one that isn't ISO-8601 doesn't compete, of equals the first wins.

    >>> rows = [("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.500Z", "soon"), ("never", None, None)]
    >>> df = spark.createDataFrame(rows, "a string, b string, c string")
    >>> [row[0] for row in df.select(latest(F.col("a"), F.col("b"), F.col("c"))).collect()]
    ['2026-03-01T10:00:00.500Z', None]
    """
    # Most records hold one date only: then nothing has to be compared.
    lone = F.when(instant(first).isNotNull(), first)
    if not others:
        return lone
    ranked = (_ranked(text, position) for position, text in enumerate((first, *others)))
    return F.when(F.coalesce(*others).isNull(), lone).otherwise(F.greatest(*ranked)["text"])


def _ranked(text: Column, position: int) -> Column:
    """What orders a date string among others: its instant to the nanosecond, then an earlier position."""
    at = instant(text)
    # Spark's timestamps end at microseconds, a date string has up to nine digits.
    below = F.substring(F.rpad(F.regexp_extract(text, r"\.([0-9]+)", 1), 9, "0"), 7, 3).cast("int")
    rank = F.struct(at.alias("at"), below.alias("below"), F.lit(-position).alias("order"), text.alias("text"))
    return F.when(at.isNotNull(), rank)
