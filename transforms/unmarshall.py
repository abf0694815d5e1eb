"""Unmarshall: from DynamoDB attribute values to the record's values."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import Attribute
from transforms import attribute_values as av
from transforms.columns import Path, let, walk


def unmarshall(df: DataFrame, attributes: Sequence[Attribute]) -> DataFrame:
    """Turn the image's attribute values into typed values, one column per attribute (:mod:`transforms.columns`).

    In: ``image struct<name: JSON text, …>``. Out: the record's columns, null where an attribute is absent or not the
    DynamoDB value its type asks for (BR-003 tells the two apart), and an ``image.<path>`` struct with the JSON texts of
    the members for each record inside the record.

    >>> from schemas import load
    >>> only = [each for each in load()["sale"].image_attributes if each.name in ("id", "date")]
    >>> texts = [('{"S":"sale-1"}', '{"M":{"deleted":{"S":"2026-03-01"}}}')]
    >>> df = spark.createDataFrame(texts, "id string, date string").select(F.struct("*").alias("image"))
    >>> df.transform(unmarshall, only).select("id", "date", "`date.deleted`").show(truncate=False)
    +------+----+------------+
    |id    |date|date.deleted|
    +------+----+------------+
    |sale-1|true|2026-03-01  |
    +------+----+------------+
    <BLANKLINE>
    """
    records = [(path, each) for path, each in walk(attributes) if each.kind == "record"]
    for path, each in sorted(records, key=lambda item: len(item[0])):
        texts = av.member_texts(text_at(path), [child.name for child in each.children])
        df = df.withColumn(_texts_name(path), texts)
    df = df.withColumn("odd", _odd_strings(attributes))
    return df.withColumns({".".join(path): column for path, column in _values(attributes)}).drop("odd")


def text_at(path: Path) -> Column:
    """The JSON text of the attribute value at a path."""
    return F.col(f"`{_texts_name(path[:-1])}`")[path[-1]]


def _texts_name(path: Path) -> str:
    return ".".join(("image", *path))


def _string_paths(attributes: Sequence[Attribute]) -> list[Path]:
    return [path for path, each in walk(attributes) if each.kind == "string"]


def _odd_strings(attributes: Sequence[Attribute]) -> Column:
    """The strings that aren't plain, in the order of the string attributes; null where all are.

    One lambda for all of them keeps the code of the usual case small enough to be compiled well.
    """
    texts = [text_at(path) for path in _string_paths(attributes)]
    # Not the bare function: Spark would hand its second parameter the position.
    strings = F.transform(F.array(*texts), lambda text: av.odd_string(text))  # noqa: PLW0108
    return F.when(av.is_odd(F.concat_ws("", *texts)), strings)


def _values(attributes: Sequence[Attribute]) -> list[tuple[Path, Column]]:
    position = {path: index for index, path in enumerate(_string_paths(attributes))}
    values = []
    for path, each in walk(attributes):
        if each.kind == "record":
            values.append((path, F.col(f"`{_texts_name(path)}`").isNotNull()))
        elif each.kind == "string":
            odd = F.col("odd")[position[path]]
            values.append((path, F.coalesce(av.plain_string(text_at(path)), odd)))
        else:
            values.append((path, value(text_at(path), each)))
    return values


def value(text: Column, attribute: Attribute) -> Column:
    """The value of one attribute from its JSON text; null where it is not what the attribute's Avro type asks for."""
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
    """A number's digits as the attribute's Avro type; null where they don't fit it exactly (a double may round)."""
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

    return let(av.map_texts(text), lambda texts: F.when(texts.isNotNull(), from_members(texts)))


def _array_value(text: Column, attribute: Attribute) -> Column:
    item = attribute.items
    assert item is not None
    values = _if_complete(F.transform(av.list_texts(text), lambda each: value(each, item)))
    return F.coalesce(values, *(_set_value(text, tag, item) for tag in attribute.tags[1:]))


def _set_value(text: Column, tag: str, item: Attribute) -> Column:
    members = av.set_texts(text, tag)
    match tag:
        case "NS":
            members = F.transform(members, lambda each: number(av.valid_number(each), item))
        case "BS":
            members = F.transform(members, av.base64_bytes)
    return _if_complete(members)


def _map_value(text: Column, attribute: Attribute) -> Column:
    item = attribute.items
    assert item is not None
    values = F.transform_values(av.map_texts(text), lambda _, each: value(each, item))
    return F.when(_if_complete(F.map_values(values)).isNotNull(), values)


def _if_complete(values: Column) -> Column:
    """The array itself unless one of its elements is malformed."""
    return F.when(~F.exists(values, lambda each: each.isNull()), values)
