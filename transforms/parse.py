"""Parse: from a Kinesis payload to a change event."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.attribute_values import STRICT_JSON, members_ddl
from transforms.columns import let
from transforms.messages import Message


def parse(df: DataFrame, names: Sequence[str]) -> DataFrame:
    """Read each payload as one strict JSON change event.

    In: ``data binary``. ``names`` are the image attributes to look for; others are skipped. Out, beside what was
    there: ``event struct<eventID, eventName, dynamodb struct<ApproximateCreationDateTime,
    ApproximateCreationDateTimePrecision, NewImage, OldImage>>``, images as ``struct<name: JSON text, …>``, null where
    the payload is unusable, and ``message``, saying why.

    >>> df = spark.createDataFrame([(b'{"eventName":"INSERT"}',), (b'{} {}',)], "data binary")
    >>> df.transform(parse, ["type"]).select("event.eventName", "message").show(truncate=False)
    +---------+----------------------------------+
    |eventName|message                           |
    +---------+----------------------------------+
    |INSERT   |NULL                              |
    |NULL     |the payload is not one JSON object|
    +---------+----------------------------------+
    <BLANKLINE>
    """
    payload = F.col("data").cast("string")
    is_utf8 = F.is_valid_utf8(payload)
    event = F.when(is_utf8, F.coalesce(_only_event(F.col("events")), _event_of_any_shape(names)))
    message = (
        F.when(F.col("event").isNotNull(), None)
        .when(payload.isNull() | payload.rlike(r"^\s*$"), Message.EMPTY)
        .when(~is_utf8, Message.NOT_UTF8)
        .otherwise(Message.NOT_JSON)
    )
    return (
        df.withColumn(
            "events", F.from_json(_in_array(), f"array<{_event_ddl(names, 'string')}>", STRICT_JSON)
        )
        .withColumn("event", event)
        .withColumn("message", message)
        .drop("events")
    )


def _in_array() -> Column:
    """The payload as the first of two elements of a JSON array.

    from_json ignores what follows an object. Here trailing text breaks the array, adds an element or hides the second
    one, a sentinel that the payload can't foresee.
    """
    return F.concat(
        F.lit("["), F.col("data").cast("string"), F.lit(',{"eventName":"'), _sentinel(), F.lit('"}]')
    )


def _sentinel() -> Column:
    return F.hex(F.xxhash64("data"))


def _only_event(events: Column) -> Column:
    is_one = (F.size(events) == 2) & (events[1]["eventName"] == _sentinel())
    return F.when(is_one, events[0])


def _event_of_any_shape(names: Sequence[str]) -> Column:
    """The event where ``dynamodb`` or an image isn't a map: as VARIANT whatever is JSON can be read."""
    events = F.from_json(
        _in_array(), "array<struct<eventID:string,eventName:string,dynamodb:variant>>", STRICT_JSON
    )

    def shaped(event: Column) -> Column:
        def image(name: str) -> Column:
            variant = F.try_variant_get(event["dynamodb"], f"$.{name}", "variant")
            is_map = F.schema_of_variant(variant).startswith("OBJECT<")
            return F.when(is_map, F.from_json(_image_text(name), members_ddl(names, "string")))

        def text(name: str) -> Column:
            return F.try_variant_get(event["dynamodb"], f"$.{name}", "string").alias(name)

        created = (text("ApproximateCreationDateTime"), text("ApproximateCreationDateTimePrecision"))
        dynamodb = F.struct(
            *created, image("NewImage").alias("NewImage"), image("OldImage").alias("OldImage")
        )
        return F.when(
            event.isNotNull(), F.struct(event["eventID"], event["eventName"], dynamodb.alias("dynamodb"))
        )

    return let(events, lambda all_: let(_only_event(all_), shaped))


def _image_text(name: str) -> Column:
    """The JSON text of an image, with the escapes that a VARIANT loses."""
    dynamodb = F.from_json(F.col("data").cast("string"), "dynamodb string", STRICT_JSON)["dynamodb"]
    return F.from_json(dynamodb, f"{name} string", STRICT_JSON)[name]


def _event_ddl(names: Sequence[str], attribute_type: str) -> str:
    image = members_ddl(names, attribute_type)
    return (
        "struct<eventID:string,eventName:string,dynamodb:struct<ApproximateCreationDateTime:string,"
        f"ApproximateCreationDateTimePrecision:string,NewImage:{image},OldImage:{image}>>"
    )


def event_with_variants(names: Sequence[str]) -> Column:
    """The event of ``data`` once more, the attributes of its images as VARIANT: there JSON null differs from absent."""
    return F.from_json(F.col("data").cast("string"), _event_ddl(names, "variant"), STRICT_JSON)


def change_time(created: Column, precision: Column) -> Column:
    """``ApproximateCreationDateTime`` as ``timestamp``; null where it is no number or no year from 1 to 9999.

    Its precision decides where it is given, else the magnitude does: below 1e11 it is seconds, below 1e14
    milliseconds, otherwise microseconds.

    >>> rows = [("1772368496", None), ("1772368496.25", None), ("1772368496789", "MILLISECOND"), ("soon", None)]
    >>> df = spark.createDataFrame(rows, "t string, p string")
    >>> [row[0] for row in df.select(change_time(F.col("t"), F.col("p")).cast("string")).collect()]
    ['2026-03-01 12:34:56', '2026-03-01 12:34:56.25', '2026-03-01 12:34:56.789', None]
    """
    number = created.try_cast("decimal(29,9)")
    factor = (
        F.when(precision == "MICROSECOND", 1)
        .when(precision == "MILLISECOND", 1000)
        .when(number < 10**11, 1000000)
        .when(number < 10**14, 1000)
        .otherwise(1)
    )
    # Whole numbers, which is what DynamoDB sends, don't need the slower decimals.
    whole = F.try_multiply(created.try_cast("bigint"), factor)
    micros = F.coalesce(whole, F.floor(number * factor).try_cast("bigint"))
    return F.when(micros.between(-62135596800000000, 253402300799999999), F.timestamp_micros(micros))


def exact_creation_time(text: Column) -> Column:
    """The text of ``ApproximateCreationDateTime`` with all its digits: a fraction went through a double in from_json."""
    event = F.try_parse_json(F.col("data").cast("string"))
    exact = F.try_variant_get(event, "$.dynamodb.ApproximateCreationDateTime", "decimal(38,18)")
    return F.when(text.contains("."), exact.cast("string")).otherwise(text)
