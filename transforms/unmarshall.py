"""Unmarshall: from DynamoDB attribute values to the record's values."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import Attribute
from transforms import attribute_values as av
from transforms import nested_values as nested
from transforms.columns import Path, at, is_found, let, walk
from transforms.image import NO_VALUE, in_image


def unmarshall(df: DataFrame, attributes: Sequence[Attribute]) -> DataFrame:
    """Turn the image's attribute values into typed values, one column per attribute (:mod:`transforms.columns`).

    In: ``image`` (:mod:`transforms.image`). Out: the record's columns, null where an attribute is absent or not the
    DynamoDB value its type asks for; and ``odd array<struct<text string, string string, absent boolean>>``, null for
    most records, else a closer look at each attribute, in order, whose text isn't a plain value. It tells absent
    and malformed apart (BR-003).

    >>> from schemas import load
    >>> from transforms.image import image_ddl
    >>> only = [each for each in load()["sale"].image_attributes if each.name in ("id", "date")]
    >>> image = ('{"S":"sale-1"}', {"M": ('{"S":"2026-03-01"}',)})
    >>> df = spark.createDataFrame([(image,)], f"image {image_ddl(only)}")
    >>> df.transform(unmarshall, only).select("id", "date", "`date.deleted`", "odd").show(truncate=False)
    +------+----+------------+----+
    |id    |date|date.deleted|odd |
    +------+----+------------+----+
    |sale-1|true|2026-03-01  |NULL|
    +------+----+------------+----+
    <BLANKLINE>
    """
    paths = list(walk(attributes))
    plain = {".".join(path): _plain_column(path, each) for path, each in paths}
    looked = {
        ".".join(path): F.coalesce(at(".".join(path)), odd_value(F.get("odd", F.lit(position)), each))
        for position, (path, each) in enumerate(paths)
        if each.kind not in ("record", "array", "map")
    }
    return df.withColumns(plain).withColumn("odd", _closer_look(paths)).withColumns(looked)


def _plain_column(path: Path, attribute: Attribute) -> Column:
    found = in_image(path)
    return found["M"].isNotNull() if attribute.kind == "record" else plain_value(found, attribute)


def _closer_look(paths: Sequence[tuple[Path, Attribute]]) -> Column:
    """Each text that has no plain value, as one lambda sees it: few records need it, so its code is there once."""
    texts, is_odd = [], F.lit(False)
    for path, each in paths:
        found = in_image(path)
        has_no_value = found.isNotNull() & ~is_found(path, each)
        is_odd = is_odd | has_no_value
        texts.append(F.when(has_no_value, NO_VALUE if each.kind == "record" else found))
    look = F.transform(
        F.array(*texts),
        lambda text: F.struct(
            text.alias("text"), av.odd_string(text).alias("string"), av.is_absent(text).alias("absent")
        ),
    )
    return F.when(is_odd, look)


def plain_value(text: Column, attribute: Attribute) -> Column:
    r"""As :func:`value`, but only of a text as DynamoDB writes most of them: small code, because all records run it.

    >>> df = spark.createDataFrame([('{"S":"x"}',), (r'{"S":"\u0078"}',)], "t string")
    >>> [row[0] for row in df.select(plain_value(F.col("t"), Attribute("name", "string", True))).collect()]
    ['x', None]
    """
    match attribute.kind:
        case "string":
            return av.plain_string(text)
        case "boolean":
            return av.plain_boolean(text)
        case "bytes":
            return av.base64_bytes(av.plain_string(text, "B"))
        case "array" | "map":
            return value(text, attribute)
        case _:
            return number(av.valid_number(av.plain_string(text, "N")), attribute)


def odd_value(look: Column, attribute: Attribute) -> Column:
    """As :func:`value`, from the closer look at a text that has no plain value.

    >>> df = spark.createDataFrame([(('{"N":"12","N":"13"}', None, False),)], "look struct<text: string, string: string, absent: boolean>")
    >>> df.select(odd_value(F.col("look"), Attribute("price", "long", True))).first()[0]
    13
    """
    return look["string"] if attribute.kind == "string" else value(look["text"], attribute)


def value(text: Column, attribute: Attribute) -> Column:
    """The value of one attribute from its JSON text; null where it is not what the attribute's Avro type asks for.

    >>> names = Attribute("names", "array", True, items=Attribute("name", "string", True))
    >>> df = spark.createDataFrame([('{"L":[{"S":"x"},{"S":"y"}]}',), ('{"SS":["x"]}',), ('{"L":[{"N":"1"}]}',)], "t string")
    >>> [row[0] for row in df.select(value(F.col("t"), names)).collect()]
    [['x', 'y'], ['x'], None]
    """
    match attribute.kind:
        case "string":
            return av.string_value(text)
        case "boolean":
            return av.boolean_value(text)
        case "bytes":
            return av.binary_value(text)
        case "array":
            return _array_value(text, attribute)
        case "map":
            return _map_value(text, attribute)
        case "record":
            return _record_value(text, attribute)
        case _:
            return number(av.number_text(text), attribute)


def number(digits: Column, attribute: Attribute) -> Column:
    """A number's digits as the attribute's Avro type; null where they don't fit it exactly (a double may round).

    >>> df = spark.createDataFrame([("12",), ("12.5",)], "n string")
    >>> kinds = (number(F.col("n"), Attribute("price", kind, True)) for kind in ("int", "double"))
    >>> [tuple(row) for row in df.select(*kinds).collect()]
    [(12, 12.0), (None, 12.5)]
    """
    match attribute.kind:
        case "int":
            return av.exact_integer(digits, "int")
        case "long":
            return av.exact_integer(digits, "bigint")
        case "decimal":
            return av.exact_decimal(digits, attribute.precision, attribute.scale)
        case _:
            rounded = digits.try_cast(attribute.kind)
            return F.when(F.abs(rounded) < float("inf"), rounded)


def _record_value(text: Column, attribute: Attribute) -> Column:
    """A record inside an array or a map: null also where a required member is missing or any is malformed."""

    def from_members(texts: Column) -> Column:
        fits, members = F.lit(True), []
        for child in attribute.children:
            member = F.try_element_at(texts, F.lit(child.name))
            found = value(member, child)
            absent_is_fine = av.is_absent(member) & F.lit(not child.required)
            fits = fits & (found.isNotNull() | absent_is_fine)
            members.append(found.alias(child.name))
        return F.when(fits, F.struct(*members))

    return let(nested.map_texts(text), lambda texts: F.when(texts.isNotNull(), from_members(texts)))


def _array_value(text: Column, attribute: Attribute) -> Column:
    item = attribute.items
    assert item is not None
    return F.coalesce(
        _items(nested.list_texts(text), item), *(_set_value(text, tag, item) for tag in attribute.tags[1:])
    )


def _set_value(text: Column, tag: str, item: Attribute) -> Column:
    members = nested.set_texts(text, tag)
    match tag:
        case "NS":
            members = F.transform(members, lambda each: number(av.valid_number(each), item))
        case "BS":
            members = F.transform(members, av.base64_bytes)
    return _if_complete(members)


def _map_value(text: Column, attribute: Attribute) -> Column:
    item = attribute.items
    assert item is not None
    texts = nested.map_texts(text)
    return F.map_from_arrays(F.map_keys(texts), _items(F.map_values(texts), item))


def _items(texts: Column, item: Attribute) -> Column:
    """The values of the elements; null where one of them is malformed, or absent and the schema wants it."""
    values = F.transform(texts, lambda each: value(each, item))
    if not item.nullable:
        return _if_complete(values)
    malformed = F.zip_with(values, texts, lambda found, each: found.isNull() & ~av.is_absent(each))
    return F.when(~F.exists(malformed, lambda each: each), values)


def _if_complete(values: Column) -> Column:
    """The array itself unless one of its elements is malformed."""
    return F.when(~F.exists(values, lambda each: each.isNull()), values)
