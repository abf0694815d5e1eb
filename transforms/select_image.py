"""BR-001: which image of a change holds the record."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.messages import Message


def select_image(df: DataFrame) -> DataFrame:
    """BR-001: INSERT and MODIFY carry the record in NewImage, REMOVE in OldImage.

    In: ``event`` and ``message`` of :func:`transforms.parse.parse`. Out: ``image struct<name: JSON text, …>`` is added, null
    together with a ``message`` where the event name is unknown or the image isn't a map.

    >>> from transforms.parse import parse
    >>> event = b'{"eventName":"REMOVE","dynamodb":{"OldImage":{"type":{"S":"sale"}}}}'
    >>> df = spark.createDataFrame([(event,), (b'{"eventName":"TTL"}',)], "data binary")
    >>> df.transform(parse, ["type"]).transform(select_image).select("image.type", "message").show(truncate=40)
    +------------+----------------------------------------+
    |        type|                                 message|
    +------------+----------------------------------------+
    |{"S":"sale"}|                                    NULL|
    |        NULL|eventName is missing or not one of IN...|
    +------------+----------------------------------------+
    <BLANKLINE>
    """
    image = chosen_image(F.col("event"))
    name = F.col("event.eventName")
    message = (
        F.when(image.isNotNull(), None)
        .when(name == "REMOVE", Message.OLD_IMAGE)
        .when(name.isin("INSERT", "MODIFY"), Message.NEW_IMAGE)
        .otherwise(Message.EVENT_NAME)
    )
    return df.withColumns({"image": image, "message": F.coalesce("message", message)})


def chosen_image(event: Column) -> Column:
    """The image of a parsed event that holds the record; null where there is none."""
    name, images = event["eventName"], event["dynamodb"]
    return F.when(name.isin("INSERT", "MODIFY"), images["NewImage"]).when(
        name == "REMOVE", images["OldImage"]
    )
