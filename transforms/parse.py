"""Parse: from a Kinesis payload to a change event."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import Attribute
from transforms.attribute_values import STRICT_JSON
from transforms.columns import walk
from transforms.image import image_ddl, in_image
from transforms.messages import Message
from transforms.one_event import HEAD, in_array, is_one_event
from transforms.parse_exactly import exact_event


def parse(df: DataFrame, attributes: Sequence[Attribute]) -> DataFrame:
    """Read each payload as one strict JSON change event.

    In: ``data binary``. ``attributes`` are those of the image to look for; others are skipped. Out, beside what was
    there: ``payload string``, ``event struct<eventID, eventName, ApproximateCreationDateTime,
    ApproximateCreationDateTimePrecision: string>``, ``newImage`` and ``oldImage`` (:mod:`transforms.image`), of
    which only the one that the event's name asks for is sure to be read, and ``message``, which says why where the
    payload is unusable and all else null.

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
    # An event carries up to two images and needs one: the other is skipped, and read only where this guess was wrong.
    looks_like_removal = F.contains("payload", F.lit("REMOVE"))
    return (
        df.withColumn("payload", F.col("data").cast("string"))
        .withColumns({"sentinel": F.hex(F.xxhash64("payload")), "looksLikeRemoval": looks_like_removal})
        .withColumns(
            {"quickNew": _events("NewImage", attributes), "quickOld": _events("OldImage", attributes)}
        )
        .withColumn("exactEvent", F.when(~_is_sure(attributes), exact_event(attributes)))
        .withColumns(
            {
                "event": _exact_or("event", _event()),
                "newImage": _exact_or("newImage", _first("quickNew")["dynamodb"]["NewImage"]),
                "oldImage": _exact_or("oldImage", _first("quickOld")["dynamodb"]["OldImage"]),
                "message": _message(),
            }
        )
        .drop("sentinel", "looksLikeRemoval", "quickNew", "quickOld", "exactEvent")
    )


def _events(image: str, attributes: Sequence[Attribute]) -> Column:
    """The quick parse with that image; null where the other one is asked for."""
    guess = F.col("looksLikeRemoval")
    array = F.when(guess if image == "OldImage" else ~guess, in_array("payload", "sentinel"))
    ddl = (
        "array<struct<eventID:string,eventName:string,dynamodb:struct<ApproximateCreationDateTime:string,"
        f"ApproximateCreationDateTimePrecision:string,{image}:{image_ddl(attributes)}>>>"
    )
    return F.from_json(array, ddl, STRICT_JSON)


def _first(events: str) -> Column:
    return F.get(events, F.lit(0))


def _guessed(old: Column, new: Column) -> Column:
    return F.when(F.col("looksLikeRemoval"), old).otherwise(new)


def _is_sure(attributes: Sequence[Attribute]) -> Column:
    """Whether the quick parse says all there is to say; never null."""
    old, new = _first("quickOld"), _first("quickNew")
    is_one = _guessed(is_one_event("quickOld", "sentinel"), is_one_event("quickNew", "sentinel"))
    is_removal = _guessed(old["eventName"], new["eventName"]) == "REMOVE"
    is_readable = F.coalesce(is_one & (is_removal == F.col("looksLikeRemoval")), F.lit(False))
    image = _guessed(old["dynamodb"]["OldImage"], new["dynamodb"]["NewImage"])
    is_plain = F.lit(True)
    for path, each in walk(attributes):
        is_plain = is_plain & _is_plain(in_image(path, image), each)
    return is_readable & F.is_valid_utf8("payload") & ~_may_hide_value() & is_plain


def _is_plain(found: Column, attribute: Attribute) -> Column:
    """Whether a record has one tag, M; and an attribute no number beyond double, which becomes the string Infinity."""
    match attribute.kind:
        case "record":
            return found.isNull() | (F.size(found) == 1) & found["M"].isNotNull()
        case "string":
            return ~F.coalesce(found.isin('{"S":"Infinity"}', '{"S":"-Infinity"}'), F.lit(False))
        case "bytes" | "array" | "map":
            return ~F.coalesce(F.contains(found, F.lit('Infinity"')), F.lit(False))
        case _:
            return F.lit(True)


def _may_hide_value() -> Column:
    """A quick test for what the texts of attributes can't show: JSON null, and a string that looks like an object.

    As a string such an object needs escapes. DynamoDB writes one null, userIdentity, into every event that no service
    made. A literal at the head of a regular expression, because Java skips through a text in search of it.
    """
    has_escaped_object = F.contains("payload", F.lit(r"{\"")) | F.contains("payload", F.lit(r"\u00"))
    has_null = F.col("payload").rlike('null(?<!"userIdentity": ?null)')
    return (F.contains("payload", F.lit("\\")) & has_escaped_object) | has_null


def _event() -> Column:
    old, new = _first("quickOld"), _first("quickNew")

    def field(name: str) -> Column:
        is_inside = name.startswith("Approximate")
        from_old, from_new = (each["dynamodb"][name] if is_inside else each[name] for each in (old, new))
        return _guessed(from_old, from_new).alias(name)

    return F.struct(*map(field, HEAD))


def _exact_or(name: str, quick: Column) -> Column:
    exact = F.col("exactEvent")
    return F.when(exact.isNull(), quick).otherwise(exact[name])


def _message() -> Column:
    exact = F.col("exactEvent")
    return (
        F.when(exact.isNull() | exact["event"].isNotNull(), None)
        .when(F.col("payload").isNull() | F.col("payload").rlike(r"^\s*$"), Message.EMPTY)
        .when(~F.is_valid_utf8("payload"), Message.NOT_UTF8)
        .otherwise(Message.NOT_JSON)
    )
