"""BR-001: which image of a change holds the record."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.image import CREATED
from transforms.messages import Message


def select_image(df: DataFrame) -> DataFrame:
    """BR-001: INSERT and MODIFY carry the record in NewImage, REMOVE in OldImage.

    In: ``event`` and ``message`` of :func:`transforms.parse.parse`. Out: ``event`` with its head alone, ``struct<eventID,
    eventName, ApproximateCreationDateTime, ApproximateCreationDateTimePrecision: string>``, and ``image``
    (:mod:`transforms.image`), null together with a ``message`` where the event name is unknown or the image isn't a map.

    >>> from schemas import load
    >>> from transforms.parse import parse
    >>> event = b'{"eventName":"REMOVE","dynamodb":{"OldImage":{"type":{"S":"sale"}}}}'
    >>> df = spark.createDataFrame([(event,), (b'{"eventName":"TTL"}',)], "data binary")
    >>> df = df.transform(parse, load()["sale"].image_attributes).transform(select_image)
    >>> df.select("image.type", "message").show(truncate=40)
    +------------+----------------------------------------+
    |        type|                                 message|
    +------------+----------------------------------------+
    |{"S":"sale"}|                                    NULL|
    |        NULL|eventName is missing or not one of IN...|
    +------------+----------------------------------------+
    <BLANKLINE>
    """
    name, inside = F.col("event.eventName"), F.col("event.dynamodb")
    new, old = inside["NewImage"], inside["OldImage"]
    message = (
        F.when((name == "REMOVE") & old.isNull(), Message.OLD_IMAGE)
        .when(name.isin("INSERT", "MODIFY") & new.isNull(), Message.NEW_IMAGE)
        .when(~F.coalesce(name.isin("INSERT", "MODIFY", "REMOVE"), F.lit(False)), Message.EVENT_NAME)
    )
    return df.withColumns(
        {
            "image": F.when(name.isin("INSERT", "MODIFY"), new).when(name == "REMOVE", old),
            "event": F.struct("event.eventID", "event.eventName", *(inside[each] for each in CREATED)),
            "message": F.coalesce("message", message),
        }
    )
