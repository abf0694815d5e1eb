"""DynamoDB lists, sets and maps as Spark columns: the JSON texts of what they hold (:mod:`transforms.attribute_values`)."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from transforms.attribute_values import has_lone_surrogate

VARIANTS_BY_NAME = "map<string,variant>"


def list_texts(text: Column) -> Column:
    """The elements under ``L`` as an array of JSON texts; null where it is anything else.

    >>> df = spark.createDataFrame([('{"L":[{"S":"x"},null,"5"]}',), ('{"L":[],"S":"x"}',)], "t string")
    >>> [row[0] for row in df.select(list_texts(F.col("t"))).collect()]
    [['{"S":"x"}', 'null', '"5"'], None]
    """
    # Not the bare function: Spark would hand a second parameter the position.
    return F.transform(_elements(text, "L"), lambda each: F.to_json(each))  # noqa: PLW0108


def map_texts(text: Column) -> Column:
    """The members under ``M`` as a map of JSON texts, of repeated keys the last; null where it is anything else.

    >>> df = spark.createDataFrame([('{"M":{"a":{"S":"x"},"b":null}}',)], "t string")
    >>> sorted(df.select(map_texts(F.col("t"))).first()[0].items())
    [('a', '{"S":"x"}'), ('b', 'null')]
    """
    members = F.try_variant_get(_tagged(text, "M"), "$", VARIANTS_BY_NAME)
    return F.transform_values(members, lambda _, each: F.to_json(each))


def set_texts(text: Column, tag: str) -> Column:
    """The members of a set (``SS``, ``NS``, ``BS``) as an array of strings, null for a member that is none.

    >>> df = spark.createDataFrame([('{"SS":["a","5"]}',), ('{"SS":["a",5]}',), ('{"L":[]}',)], "t string")
    >>> [row[0] for row in df.select(set_texts(F.col("t"), "SS")).collect()]
    [['a', '5'], ['a', None], None]
    """
    return F.transform(
        _elements(text, tag),
        lambda each: F.when(F.schema_of_variant(each) == "STRING", F.variant_get(each, "$", "string")),
    )


def _elements(text: Column, tag: str) -> Column:
    return F.try_variant_get(_tagged(text, tag), "$", "array<variant>")


def _tagged(text: Column, tag: str) -> Column:
    """What the only tag of a value holds, as VARIANT; null for any other value, and where a string in it is no text."""
    tags = F.try_variant_get(F.try_parse_json(text), "$", VARIANTS_BY_NAME)
    is_one = text.startswith('{"') & (F.size(tags) == 1) & ~has_lone_surrogate(text)
    return F.when(is_one, F.try_element_at(tags, F.lit(tag)))
