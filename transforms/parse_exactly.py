"""Parse once more, exactly: what few payloads need, since it costs several times the quick parse."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas import Attribute
from transforms.attribute_values import STRICT_JSON, has_lone_surrogate, is_absent, normalized
from transforms.columns import let
from transforms.image import CREATED, NO_VALUE, no_map
from transforms.one_event import in_array, is_one_event

_MAP = '{"M":{'


def exact_event(attributes: Sequence[Attribute]) -> Column:
    """The change event in a payload, as :func:`transforms.parse.parse` gives it.

    In: ``payload``, ``sentinel string``. Null where the payload is not one JSON object in UTF-8. As
    VARIANT whatever is JSON can be read, and JSON null, a string, a number and an object are told apart.

    >>> from schemas import load
    >>> only = [each for each in load()["sale"].image_attributes if each.name in ("id", "name")]
    >>> event = '{"eventName":"INSERT","dynamodb":{"NewImage":{"id":{"S":"x"},"name":null}}}'
    >>> df = spark.createDataFrame([(event, "s1")], "payload string, sentinel string")
    >>> df.select(exact_event(only).alias("e")).select("e.eventName", "e.dynamodb.NewImage.*").show()
    +---------+---------+----+
    |eventName|       id|name|
    +---------+---------+----+
    |   INSERT|{"S":"x"}|null|
    +---------+---------+----+
    <BLANKLINE>
    """
    ddl = "array<struct<eventID:string,eventName:string,dynamodb:variant>>"
    array = F.when(F.is_valid_utf8("payload"), in_array("payload", "sentinel"))
    return let(
        F.from_json(array, ddl, STRICT_JSON),
        lambda both: let(
            F.when(is_one_event(both, "sentinel"), F.get(both, F.lit(0))),
            lambda event: F.when(event.isNotNull(), _event(event, attributes)),
        ),
    )


def _event(event: Column, attributes: Sequence[Attribute]) -> Column:
    is_removal = event["eventName"] == "REMOVE"
    inside = [F.try_variant_get(event["dynamodb"], f"$.{name}", "string").alias(name) for name in CREATED]
    new = F.when(~is_removal, _image(event, "NewImage", attributes))
    old = F.when(is_removal, _image(event, "OldImage", attributes))
    dynamodb = F.struct(*inside, new.alias("NewImage"), old.alias("OldImage"))
    return F.struct(
        event["eventID"].alias("eventID"), event["eventName"].alias("eventName"), dynamodb.alias("dynamodb")
    )


def _image(event: Column, image: str, attributes: Sequence[Attribute]) -> Column:
    def inside(*path: str) -> Column:
        return F.try_variant_get(event["dynamodb"], ".".join(("$", image, *path)), "variant")

    ddl = members_ddl([each.name for each in attributes])
    texts = F.from_json(_image_text(image), ddl, STRICT_JSON)
    members = let(texts, lambda found: _members(found, inside, attributes))
    return F.when(F.schema_of_variant(inside()).startswith("OBJECT<"), members)


def _image_text(name: str) -> Column:
    """The JSON text of an image, with the escapes that a VARIANT loses (what a text loses, the VARIANT has)."""
    dynamodb = F.from_json("payload", "dynamodb string", STRICT_JSON)["dynamodb"]
    return F.from_json(dynamodb, f"{name} string", STRICT_JSON)[name]


def _members(texts: Column, variant_of: Callable[[str], Column], attributes: Sequence[Attribute]) -> Column:
    exact = (_exact(texts[each.name], variant_of(each.name), each).alias(each.name) for each in attributes)
    return F.struct(*exact)


def _exact(text: Column, variant: Column, attribute: Attribute) -> Column:
    """An attribute as :mod:`transforms.image` says, from its text and, to tell what that can't, the same as VARIANT."""
    schema = F.schema_of_variant(variant)
    is_no_value = F.is_variant_null(variant) | (schema == "STRING")
    if attribute.kind != "record":
        # No DynamoDB value holds a JSON number; beyond double it has become the string Infinity in the text.
        is_number = F.contains(text, F.lit('Infinity"')) & schema.rlike("DOUBLE|VARIANT")
        return F.when(is_no_value | is_number, NO_VALUE).otherwise(text)

    def inside(name: str) -> Column:
        return F.try_variant_get(variant, f"$.M.{name}", "variant")

    def record(found: Column) -> Column:
        members = F.create_map(F.lit("M"), _members(found, inside, attribute.children))
        return F.when(found.isNotNull(), members).otherwise(no_map(attribute))

    texts = member_texts(text, [child.name for child in attribute.children])
    return F.when(is_no_value, no_map(attribute)).when(~is_absent(text), let(texts, record))


def member_texts(text: Column, names: Sequence[str]) -> Column:
    """The members of the map under ``M``, as a struct of JSON texts; null where the value is no map.

    Result: ``struct<name: string, …>``; a member is null where it is absent or JSON null
    (:func:`exact_event` tells them apart).

    >>> texts = ['{"M":{"a":{"S":"x"},"b":5}}', '{"M":{"a":{"S":"x"}},"S":"y"}', '{"S":"x"}']
    >>> df = spark.createDataFrame([(t,) for t in texts], "t string")
    >>> df.select(member_texts(F.col("t"), ["a", "b", "c"]).alias("t")).select("t.*").show()
    +---------+----+----+
    |        a|   b|   c|
    +---------+----+----+
    |{"S":"x"}|   5|NULL|
    |     NULL|NULL|NULL|
    |     NULL|NULL|NULL|
    +---------+----+----+
    <BLANKLINE>
    """
    members = members_ddl(names)
    repeated = F.when(text.startswith('{"M":') & ~has_lone_surrogate(text), normalized(text))
    return F.coalesce(_only(_under(text, _MAP), members), _only(_under(repeated, _MAP), members))


def members_ddl(names: Sequence[str]) -> str:
    """A struct type with one string per name, as DDL."""
    return f"struct<{','.join(f'`{name}`:string' for name in names)}>"


def _under(text: Column, opening: str) -> Column:
    start = len(opening)
    return F.when(text.startswith(opening), F.substring(text, start, F.length(text) - start))


def _only(json: Column, spark_type: str) -> Column:
    """The value of a text that is one JSON value of that type.

    The text is cut out of valid JSON, so what can follow the value is a second tag, and that breaks the array.
    """
    return F.get(
        F.from_json(F.concat(F.lit("["), json, F.lit("]")), f"array<{spark_type}>", STRICT_JSON), F.lit(0)
    )
