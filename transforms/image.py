"""An image while it is being read: a struct of its attributes, of whose values nothing is lost or guessed.

An attribute is the compact JSON text of its DynamoDB value, such as ``{"S":"x"}``; null where it is absent, ``null``
where it is no DynamoDB value. An attribute that is a record is a map from the tag to its members, a struct again: null
where it is absent, without the key ``M`` where it is no map.
"""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas import Attribute
from transforms.columns import Path

# A text that no reader of values accepts.
NO_VALUE = "null"
# What an event says of its time, beside its images.
CREATED = ("ApproximateCreationDateTime", "ApproximateCreationDateTimePrecision")


def image_ddl(attributes: Sequence[Attribute]) -> str:
    """The Spark type of an image, as DDL.

    >>> from schemas import load
    >>> image_ddl([each for each in load()["sale"].image_attributes if each.name in ("id", "date")])
    'struct<`id`:string,`date`:map<string,struct<`deleted`:string>>>'
    """
    return f"struct<{','.join(f'`{each.name}`:{attribute_ddl(each)}' for each in attributes)}>"


def event_ddl(attributes: Sequence[Attribute]) -> str:
    """The Spark type of a change event with both of its images, as DDL.

    >>> from schemas import load
    >>> event_ddl(load()["sale"].attributes[1:2])
    'struct<eventID:string,eventName:string,dynamodb:struct<...,NewImage:struct<`id`:string>,OldImage:struct<`id`:string>>>'
    """
    image = image_ddl(attributes)
    return (
        "struct<eventID:string,eventName:string,dynamodb:struct<"
        f"{','.join(f'{each}:string' for each in CREATED)},NewImage:{image},OldImage:{image}>>"
    )


def attribute_ddl(attribute: Attribute) -> str:
    """The Spark type of one attribute of an image, as DDL.

    >>> from schemas import load
    >>> [attribute_ddl(each) for each in load()["sale"].attributes if each.name in ("id", "date")]
    ['string', 'map<string,struct<`deleted`:string>>']
    """
    return f"map<string,{image_ddl(attribute.children)}>" if attribute.kind == "record" else "string"


def no_map(attribute: Attribute) -> Column:
    """What stands in an image for a record that is there but no map: a map without a tag.

    >>> from schemas import load
    >>> (date,) = [each for each in load()["sale"].attributes if each.name == "date"]
    >>> spark.range(1).select(no_map(date)).first()[0]
    {}
    """
    return F.from_json(F.lit("{}"), attribute_ddl(attribute))


def in_image(path: Path, image: Column | None = None) -> Column:
    """What the image, by default the column ``image``, holds at the path of an attribute: a text, or a record's map.

    >>> ddl = "image struct<id: string, date: map<string, struct<deleted: string>>>"
    >>> df = spark.createDataFrame([(('{"S":"sale-1"}', {"M": ('{"S":"2026-03-01"}',)}),)], ddl)
    >>> tuple(df.select(in_image(("id",)), in_image(("date", "deleted"))).first())
    ('{"S":"sale-1"}', '{"S":"2026-03-01"}')
    """
    found = F.col("image") if image is None else image
    for name in path[:-1]:
        found = found[name]["M"]
    return found[path[-1]]
