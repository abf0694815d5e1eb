"""The floor: what reading the JSON costs anybody who does it with Spark, before any rule is applied."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, DataType, MapType, StringType, StructField, StructType

from schemas import Attribute, load, merged_attributes

_TEXT, _FLAG, _TEXTS = StringType(), BooleanType(), ArrayType(StringType())
_SCALARS: dict[str, DataType] = {"S": _TEXT, "N": _TEXT, "B": _TEXT, "BOOL": _FLAG, "NULL": _FLAG}
_SETS: dict[str, DataType] = {"SS": _TEXTS, "NS": _TEXTS, "BS": _TEXTS}


def parse_only(df: DataFrame) -> DataFrame:
    """``data binary`` parsed by ``from_json`` into ``event``: the envelope and both images, every value tagged."""
    return df.select(
        F.from_json(F.col("data").cast("string"), event(merged_attributes(load()))).alias("event")
    )


def event(attributes: Sequence[Attribute]) -> StructType:
    """The wire schema as a user of ``from_json`` has to write it who wants every attribute and wrong tags noticed."""
    dynamodb = _struct(
        ApproximateCreationDateTime=_TEXT,
        ApproximateCreationDateTimePrecision=_TEXT,
        NewImage=_image(attributes),
        OldImage=_image(attributes),
    )
    return _struct(eventID=_TEXT, eventName=_TEXT, dynamodb=dynamodb)


def _image(attributes: Sequence[Attribute]) -> StructType:
    return _struct(**{each.name: _tagged(each) for each in attributes})


def _tagged(attribute: Attribute) -> StructType:
    """A DynamoDB value: one member for each tag it can have."""
    return _struct(**_SCALARS, M=_map(attribute), L=_list(attribute), **_SETS)


def _map(attribute: Attribute) -> DataType:
    if attribute.kind == "record":
        return _image(attribute.children)
    is_map = attribute.kind == "map" and attribute.items
    return MapType(_TEXT, _tagged(attribute.items) if is_map and attribute.items else _TEXT)


def _list(attribute: Attribute) -> DataType:
    is_list = attribute.kind == "array" and attribute.items
    return ArrayType(_tagged(attribute.items)) if is_list and attribute.items else _TEXTS


def _struct(**members: DataType) -> StructType:
    return StructType([StructField(name, type) for name, type in members.items()])
