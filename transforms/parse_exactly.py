"""Parse once more, exactly: what few payloads need, since it costs several times the quick parse."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas import Attribute
from transforms.attribute_values import STRICT_JSON, is_absent, member_texts, members_ddl
from transforms.columns import let
from transforms.image import NO_VALUE, attribute_ddl

HEAD = ("eventID", "eventName", "ApproximateCreationDateTime", "ApproximateCreationDateTimePrecision")


def exact_event(attributes: Sequence[Attribute]) -> Column:
    """``struct<event, newImage, oldImage>`` of ``payload``, as :func:`transforms.parse.parse` gives them.

    ``event`` is null where the payload is not one JSON object in UTF-8. As VARIANT whatever is JSON can be read, and
    JSON null, a string and an object are told apart.
    """
    ddl = "array<struct<eventID:string,eventName:string,dynamodb:variant>>"
    events = F.when(F.is_valid_utf8("payload"), F.from_json(in_array(), ddl, STRICT_JSON))

    def parts(event: Column) -> Column:
        return F.struct(
            F.when(event.isNotNull(), _head(event)).alias("event"),
            _image(event, "NewImage", attributes).alias("newImage"),
            _image(event, "OldImage", attributes).alias("oldImage"),
        )

    return let(events, lambda both: let(F.when(is_one_event(both), F.get(both, F.lit(0))), parts))


def in_array() -> Column:
    """The payload as the first of two elements of a JSON array.

    from_json ignores what follows an object. Here trailing text breaks the array, adds an element or hides the second
    one, a sentinel that the payload can't foresee.
    """
    return F.concat(
        F.lit("["),
        F.col("payload"),
        F.lit(',{"eventName":"'),
        F.col("sentinel"),
        F.lit('"}]'),
    )


def is_one_event(events: Column) -> Column:
    """Whether an array that was read so holds the payload and the sentinel, and nothing else."""
    return (F.size(events) == 2) & (F.get(events, F.lit(1))["eventName"] == F.col("sentinel"))


def _head(event: Column) -> Column:
    inside = [F.try_variant_get(event["dynamodb"], f"$.{name}", "string").alias(name) for name in HEAD[2:]]
    return F.struct(event["eventID"], event["eventName"], *inside)


def _image(event: Column, name: str, attributes: Sequence[Attribute]) -> Column:
    variant = F.try_variant_get(event["dynamodb"], f"$.{name}", "variant")
    names = [each.name for each in attributes]
    parsed = F.struct(
        F.from_json(_image_text(name), members_ddl(names, "string"), STRICT_JSON).alias("texts"),
        F.from_json(_image_text(name), members_ddl(names, "variant"), STRICT_JSON).alias("variants"),
    )
    image = let(parsed, lambda both: _members(both["texts"], lambda each: both["variants"][each], attributes))
    return F.when(F.schema_of_variant(variant).startswith("OBJECT<"), image)


def _image_text(name: str) -> Column:
    """The JSON text of an image, with the escapes that a VARIANT loses."""
    dynamodb = F.from_json("payload", "dynamodb string", STRICT_JSON)["dynamodb"]
    return F.from_json(dynamodb, f"{name} string", STRICT_JSON)[name]


def _members(texts: Column, variant_of: Callable[[str], Column], attributes: Sequence[Attribute]) -> Column:
    exact = (_exact(texts[each.name], variant_of(each.name), each).alias(each.name) for each in attributes)
    return F.struct(*exact)


def _exact(text: Column, variant: Column, attribute: Attribute) -> Column:
    """An attribute as :mod:`transforms.image` says, from its text and, to tell what that can't, the same as VARIANT."""
    is_no_value = F.is_variant_null(variant) | (F.schema_of_variant(variant) == "STRING")
    if attribute.kind != "record":
        return F.when(is_no_value, NO_VALUE).otherwise(text)

    def inside(name: str) -> Column:
        return F.try_variant_get(variant, f"$.M.{name}", "variant")

    texts = member_texts(text, [child.name for child in attribute.children])
    no_map = F.from_json(F.lit("{}"), attribute_ddl(attribute))
    record = let(
        texts,
        lambda found: F.when(
            found.isNotNull(), F.create_map(F.lit("M"), _members(found, inside, attribute.children))
        ),
    )
    return F.when(is_no_value, no_map).when(~is_absent(text), F.coalesce(record, no_map))
