"""Date strings of records, read strictly, and the timestamps we write."""

from pyspark.sql import Column
from pyspark.sql import functions as F

# Spark's casts are lenient ("12:30" is today, "2026" a year's first day), so the form is checked first.
_FORM = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?)?\z"
)
_FIRST, _LAST = "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"


def instant(text: Column) -> Column:
    """The instant of an ISO-8601 date or date-time as ``timestamp``; null where the text is anything else.

    Without an offset it is UTC; digits beyond microseconds are cut off. The session's time zone must be UTC.

    >>> texts = ["2026-03-01", "2026-03-01T00:00:00.5+05:30", "12:30", "2026-02-30", "2026-03-01 00:00:00"]
    >>> df = spark.createDataFrame([(t,) for t in texts], "t string")
    >>> [row[0] for row in df.select(instant(F.col("t")).cast("string")).collect()]
    ['2026-03-01 00:00:00', '2026-02-28 18:30:00.5', None, None, None]
    """
    parsed = F.when(text.rlike(_FORM), text.try_cast("timestamp"))
    return F.when(parsed.between(F.lit(_FIRST).cast("timestamp"), F.lit(_LAST).cast("timestamp")), parsed)


def utc_date(timestamp: Column) -> Column:
    """The UTC date of an instant, ``YYYY-MM-DD``.

    >>> df = spark.createDataFrame([("2026-03-01T00:30:00+05:30",)], "t string")
    >>> df.select(utc_date(instant(F.col("t")))).first()[0]
    '2026-02-28'
    """
    return timestamp.cast("date").cast("string")


def iso_millis(timestamp: Column) -> Column:
    """An instant as we write it: UTC with milliseconds.

    >>> df = spark.createDataFrame([("2026-03-01 12:34:56.789999",)], "t string")
    >>> df.select(iso_millis(F.col("t").cast("timestamp"))).first()[0]
    '2026-03-01T12:34:56.789Z'
    """
    return F.date_format(timestamp, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")


def iso_micros(timestamp: Column) -> Column:
    """An instant as ``change.time`` holds it: UTC with microseconds.

    >>> df = spark.createDataFrame([("2026-03-01 12:34:56.789",)], "t string")
    >>> df.select(iso_micros(F.col("t").cast("timestamp"))).first()[0]
    '2026-03-01T12:34:56.789000Z'
    """
    return F.date_format(timestamp, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
