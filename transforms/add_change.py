"""The change a record came from, which makes the audit trail orderable (BR-020)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.attribute_values import has_lone_surrogate
from transforms.iso8601 import iso_micros
from transforms.messages import Message

# Stands for the beginning of an escape.
_MARK = "\ue000"


def add_change(df: DataFrame) -> DataFrame:
    """BR-020: ``change {id, name, time, sequenceNumber}`` of the change event.

    In: ``payload``, ``event``, ``created timestamp``, ``sequenceNumber``, ``message``. Out: ``change boolean``,
    ``change.id`` and so on; ``message`` is set where the event's id is no text.

    >>> columns = "eventID string, eventName string, created timestamp, sequenceNumber string, payload string, message string"
    >>> df = spark.createDataFrame([("e1", "INSERT", None, "49", "", None)], columns)
    >>> df = df.withColumn("event", F.struct("eventID", "eventName")).transform(add_change)
    >>> df.select("change", "`change.id`", "`change.name`", "`change.time`", "`change.sequenceNumber`").show()
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
            "message": F.coalesce("message", F.when(_is_no_text(F.col("event.eventID")), Message.EVENT_ID)),
        }
    )


def _is_no_text(event_id: Column) -> Column:
    """Whether half a surrogate pair became a question mark in it: looked at once more, with its escapes."""
    # An escaped backslash begins no escape. The character is one that nobody uses, and no letter of JSON.
    marked = F.replace(F.replace("payload", F.lit(r"\\"), F.lit("-")), F.lit(r"\u"), F.lit(_MARK))
    escaped = F.get_json_object(marked, "$.eventID")
    is_half = has_lone_surrogate(F.replace(escaped, F.lit(_MARK), F.lit(r"\u")))
    return F.contains(event_id, F.lit("?")) & has_lone_surrogate(F.col("payload")) & is_half
