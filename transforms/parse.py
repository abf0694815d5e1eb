"""Parse: from a Kinesis payload to a change event."""

from collections.abc import Iterator, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import Attribute
from transforms.attribute_values import STRICT_JSON
from transforms.image import image_ddl
from transforms.messages import Message
from transforms.parse_exactly import HEAD, exact_event, in_array, is_one_event

_IMAGES = {"newImage": "NewImage", "oldImage": "OldImage"}


def parse(df: DataFrame, attributes: Sequence[Attribute]) -> DataFrame:
    """Read each payload as one strict JSON change event.

    In: ``data binary``. ``attributes`` are those of the image to look for; others are skipped. Out, beside what was there: ``payload string``,
    ``event struct<eventID, eventName, ApproximateCreationDateTime, ApproximateCreationDateTimePrecision: string>``,
    ``newImage`` and ``oldImage`` (:mod:`transforms.image`), of which only the one that the event's name asks for is
    sure to be read, and ``message``, which says why where the payload is unusable and all else null.

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
    sentinel, is_removal = F.hex(F.xxhash64("payload")), F.contains(F.col("payload"), F.lit("REMOVE"))
    return (
        df.withColumn("payload", F.col("data").cast("string"))
        .withColumns({"sentinel": sentinel, "isRemoval": is_removal})
        .withColumns({name: _events(name, attributes) for name in _IMAGES})
        .withColumn("exact", F.when(~_is_sure(attributes), exact_event(attributes)))
        .withColumns({"event": _event(), **{name: _image(name) for name in _IMAGES}, "message": _message()})
        .drop("sentinel", "isRemoval", "exact")
    )


def _events(name: str, attributes: Sequence[Attribute]) -> Column:
    is_asked_for = F.col("isRemoval") if name == "oldImage" else ~F.col("isRemoval")
    ddl = (
        "array<struct<eventID:string,eventName:string,dynamodb:struct<ApproximateCreationDateTime:string,"
        f"ApproximateCreationDateTimePrecision:string,{_IMAGES[name]}:{image_ddl(attributes)}>>>"
    )
    return F.from_json(F.when(is_asked_for, in_array()), ddl, STRICT_JSON)


def _by_guess(from_old: Column, from_new: Column) -> Column:
    return F.when(F.col("isRemoval"), from_old).otherwise(from_new)


def _is_sure(attributes: Sequence[Attribute]) -> Column:
    """Whether the quick parse says all there is to say; never null."""
    old, new = _first("oldImage"), _first("newImage")
    is_one = _by_guess(is_one_event(F.col("oldImage")), is_one_event(F.col("newImage")))
    is_removal = _by_guess(old["eventName"], new["eventName"]) == "REMOVE"
    image = _by_guess(old["dynamodb"]["OldImage"], new["dynamodb"]["NewImage"])
    is_plain = F.lit(True)
    for records in _records(image, attributes):
        is_plain = is_plain & (records.isNull() | (F.size(records) == 1) & records["M"].isNotNull())
    guessed = F.coalesce(is_one & (is_removal == F.col("isRemoval")), F.lit(False))
    return guessed & F.is_valid_utf8("payload") & is_plain & ~_may_hide_value()


def _first(name: str) -> Column:
    return F.get(name, F.lit(0))


def _records(image: Column, attributes: Sequence[Attribute]) -> Iterator[Column]:
    for each in attributes:
        if each.kind == "record":
            yield image[each.name]
            yield from _records(image[each.name]["M"], each.children)


def _may_hide_value() -> Column:
    """A quick test for what the texts of attributes can't show: JSON null, and a string that looks like an object.

    As a string such an object needs escapes. DynamoDB writes one null, userIdentity, into every event that no service
    made. Literal regular expressions, because Java skips through a text in search of them.
    """
    has_escaped_object = F.contains(F.col("payload"), F.lit("\\")) & F.col("payload").rlike(r"\{\\|\\u007")
    return has_escaped_object | F.col("payload").rlike('null(?<!"userIdentity":null)')


def _event() -> Column:
    """The head of the event: from the exact parse where there was one, else from the quick one."""
    old, new = _first("oldImage"), _first("newImage")

    def field(name: str) -> Column:
        is_inside = name.startswith("Approximate")
        from_old, from_new = (each["dynamodb"][name] if is_inside else each[name] for each in (old, new))
        return _by_guess(from_old, from_new).alias(name)

    return _exact_or("event", F.struct(*map(field, HEAD)))


def _image(name: str) -> Column:
    return _exact_or(name, _first(name)["dynamodb"][_IMAGES[name]])


def _exact_or(name: str, quick: Column) -> Column:
    exact = F.col("exact")
    return F.when(exact.isNull(), quick).otherwise(exact[name])


def _message() -> Column:
    exact = F.col("exact")
    return (
        F.when(exact.isNull() | exact["event"].isNotNull(), None)
        .when(F.col("payload").isNull() | F.col("payload").rlike(r"^\s*$"), Message.EMPTY)
        .when(~F.is_valid_utf8("payload"), Message.NOT_UTF8)
        .otherwise(Message.NOT_JSON)
    )
