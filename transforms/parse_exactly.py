"""Parse once more, exactly: what few payloads need, since it costs several times the quick parse."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas import Attribute
from transforms.attribute_values import STRICT_JSON, has_lone_surrogate, is_absent, normalized
from transforms.columns import let
from transforms.image import CREATED, NO_VALUE, no_map
from transforms.nested_values import VARIANTS_BY_NAME
from transforms.one_event import in_array, is_one_event

_MAP = '{"M":{'
_IMAGES = ("NewImage", "OldImage")


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
    created = [F.try_variant_get(event["dynamodb"], f"$.{name}", "string").alias(name) for name in CREATED]

    def whole(image: Column) -> Column:
        images = F.when(~is_removal, image).alias("NewImage"), F.when(is_removal, image).alias("OldImage")
        dynamodb = F.struct(*created, *images).alias("dynamodb")
        return F.struct(event["eventID"].alias("eventID"), event["eventName"].alias("eventName"), dynamodb)

    new, old = (F.try_variant_get(event["dynamodb"], f"$.{name}", "variant") for name in _IMAGES)
    new_text, old_text = (_image_text(name) for name in _IMAGES)
    text, variant = (
        F.when(is_removal, each).otherwise(other) for each, other in ((old_text, new_text), (old, new))
    )
    return let(_image(text, variant, attributes), whole)


def _image(text: Column, variant: Column, attributes: Sequence[Attribute]) -> Column:
    texts = F.from_json(text, members_ddl([each.name for each in attributes]), STRICT_JSON)
    members = let(texts, lambda found: _members(found, variant, attributes))
    return F.when(F.schema_of_variant(variant).startswith("OBJECT<"), members)


def _image_text(name: str) -> Column:
    """The JSON text of an image, with the escapes that a VARIANT loses (what a text loses, the VARIANT has)."""
    dynamodb = F.from_json("payload", "dynamodb string", STRICT_JSON)["dynamodb"]
    return F.from_json(dynamodb, f"{name} string", STRICT_JSON)[name]


def _members(texts: Column, variant: Column, attributes: Sequence[Attribute]) -> Column:
    """The attributes as :mod:`transforms.image` says, from their texts and, to tell what those can't, the same as VARIANT.

    The texts of all that are no records go through one lambda, which keeps the plan small.
    """
    scalars = [each.name for each in attributes if each.kind != "record"]

    def struct(both: Column) -> Column:
        variants, exact = both["variants"], both["exact"]
        members = (
            F.get(exact, F.lit(scalars.index(each.name)))
            if each.kind != "record"
            else _exact_record(texts[each.name], F.try_element_at(variants, F.lit(each.name)), each)
            for each in attributes
        )
        return F.struct(*(member.alias(each.name) for member, each in zip(members, attributes, strict=True)))

    def with_texts(variants: Column) -> Column:
        names, found = F.array(*map(F.lit, scalars)), F.array(*(texts[name] for name in scalars))
        exact = F.zip_with(
            found, names, lambda text, name: _exact_text(text, F.try_element_at(variants, name))
        )
        return let(F.struct(variants.alias("variants"), exact.alias("exact")), struct)

    return let(F.try_variant_get(variant, "$", VARIANTS_BY_NAME), with_texts)


def _exact_text(text: Column, variant: Column) -> Column:
    # No DynamoDB value holds a JSON number; beyond double it has become the string Infinity in the text.
    is_number = F.contains(text, F.lit('Infinity"')) & F.schema_of_variant(variant).rlike("DOUBLE|VARIANT")
    return F.when(_is_no_value(variant) | is_number, NO_VALUE).otherwise(text)


def _exact_record(text: Column, variant: Column, attribute: Attribute) -> Column:
    members = F.try_variant_get(variant, "$.M", "variant")

    def record(found: Column) -> Column:
        as_map = F.create_map(F.lit("M"), _members(found, members, attribute.children))
        return F.when(found.isNotNull(), as_map).otherwise(no_map(attribute))

    texts = member_texts(text, [child.name for child in attribute.children])
    return F.when(_is_no_value(variant), no_map(attribute)).when(~is_absent(text), let(texts, record))


def _is_no_value(variant: Column) -> Column:
    return F.is_variant_null(variant) | (F.schema_of_variant(variant) == "STRING")


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
    """A struct type with one string per name, as DDL.

    >>> members_ddl(["id", "name"])
    'struct<`id`:string,`name`:string>'
    """
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
