"""Parse: from a Kinesis payload to a change event."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import Attribute
from transforms.attribute_values import STRICT_JSON
from transforms.columns import walk
from transforms.image import event_ddl, in_image
from transforms.messages import Message
from transforms.one_event import in_array, is_one_event
from transforms.parse_exactly import exact_event

# Kinds whose text can hold a number anywhere.
_NESTED = ("bytes", "array", "map")


def parse(df: DataFrame, attributes: Sequence[Attribute]) -> DataFrame:
    """Read each payload as one strict JSON change event.

    In: ``data binary``. ``attributes`` are those of the images to look for; others are skipped. Out, beside what was
    there: ``payload string``, ``event struct<eventID, eventName: string, dynamodb: struct<
    ApproximateCreationDateTime, ApproximateCreationDateTimePrecision: string, NewImage, OldImage>>`` with images as
    :mod:`transforms.image` says, of which the one that the event's name doesn't ask for may be missing; and
    ``message``, which says why where the payload is unusable and ``event`` null.

    >>> from schemas import load
    >>> df = spark.createDataFrame([(b'{"eventName":"INSERT"}',), (b'{} {}',)], "data binary")
    >>> df.transform(parse, load()["sale"].image_attributes).select("event.eventName", "message").show(truncate=False)
    +---------+----------------------------------+
    |eventName|message                           |
    +---------+----------------------------------+
    |INSERT   |NULL                              |
    |NULL     |the payload is not one JSON object|
    +---------+----------------------------------+
    <BLANKLINE>
    """
    # One projection for both columns, which thereby share one from_json.
    events = F.from_json(in_array("payload", "sentinel"), f"array<{event_ddl(attributes)}>", STRICT_JSON)
    return (
        df.withColumn("payload", F.col("data").cast("string"))
        .withColumn("sentinel", F.hex(F.xxhash64("payload")))
        .withColumns({"event": F.get(events, F.lit(0)), "isOneEvent": is_one_event(events, "sentinel")})
        .withColumn(
            "event", F.coalesce(F.when(_is_sure(attributes), F.col("event")), exact_event(attributes))
        )
        .withColumn("message", F.when(F.col("event").isNull(), _message()))
        .drop("sentinel", "isOneEvent")
    )


def _is_sure(attributes: Sequence[Attribute]) -> Column:
    """Whether the quick parse says all there is to say; never null."""
    are_plain = F.lit(True)
    for image in ("NewImage", "OldImage"):
        are_plain = are_plain & _is_plain(F.col(f"event.dynamodb.{image}"), attributes)
    is_one = F.coalesce("isOneEvent", F.lit(False))
    return is_one & F.is_valid_utf8("payload") & ~_may_hide_value() & are_plain


def _is_plain(image: Column, attributes: Sequence[Attribute]) -> Column:
    """Whether each record has one tag, M, and no attribute is a number beyond double, which became the string Infinity."""
    found = [(in_image(path, image), each.kind) for path, each in walk(attributes)]
    is_plain = F.lit(True)
    for record in (each for each, kind in found if kind == "record"):
        is_plain = is_plain & (record.isNull() | (F.size(record) == 1) & record["M"].isNotNull())
    texts = F.array(*(each for each, kind in found if kind not in ("record", *_NESTED)))
    for infinite in ('{"S":"Infinity"}', '{"S":"-Infinity"}'):
        is_plain = is_plain & ~F.coalesce(F.array_contains(texts, infinite), F.lit(False))
    for text in (each for each, kind in found if kind in _NESTED):
        is_plain = is_plain & ~F.coalesce(F.contains(text, F.lit('Infinity"')), F.lit(False))
    return is_plain


def _may_hide_value() -> Column:
    """A quick test for what the texts of attributes can't show: JSON null, and a string that looks like an object.

    As a string such an object needs escapes. DynamoDB writes one null, userIdentity, into every event that no service
    made. A literal at the head of a regular expression, because Java skips through a text in search of it.
    """
    has_escaped_object = F.contains("payload", F.lit(r"{\"")) | F.contains("payload", F.lit(r"\u00"))
    has_null = F.col("payload").rlike('null(?<!"userIdentity": ?null)')
    return (F.contains("payload", F.lit("\\")) & has_escaped_object) | has_null


def _message() -> Column:
    return (
        F.when(F.col("payload").isNull() | F.col("payload").rlike(r"^\s*\z"), Message.EMPTY)
        .when(~F.is_valid_utf8("payload"), Message.NOT_UTF8)
        .otherwise(Message.NOT_JSON)
    )
