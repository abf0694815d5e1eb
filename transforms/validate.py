"""BR-003: every record is validated against its Avro schema."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import RecordSchema, merged_attributes
from transforms.columns import Path, at, is_found, let, walk
from transforms.messages import missing, wrong_value


def validate(df: DataFrame, record_schemas: Mapping[str, RecordSchema]) -> DataFrame:
    """BR-003: required attributes are there, and whatever is there has the DynamoDB type its Avro type asks for.

    In: ``type``, ``odd`` and the columns of :func:`transforms.unmarshall.unmarshall`. Out: ``message`` is set
    where a record fails, naming the first offending attribute in schema order.

    >>> from schemas import load, merged_attributes
    >>> from transforms import parse, select_image, unmarshall
    >>> sale = load()["sale"]
    >>> event = b'{"eventName":"INSERT","dynamodb":{"NewImage":{"type":{"S":"sale"},"id":{"N":"1"}}}}'
    >>> df = spark.createDataFrame([(event,)], "data binary").transform(parse, sale.image_attributes)
    >>> df = df.transform(select_image).transform(unmarshall, sale.image_attributes)
    >>> df.transform(validate, {"sale": sale}).first().message
    'sale: id is not a DynamoDB S that fits Avro string (BR-003)'
    """
    has_all = F.lit(False)
    for record_type, schema in record_schemas.items():
        has_all = F.when(F.col("type") == record_type, _has_required(schema)).otherwise(has_all)
    is_doubtful = F.col("message").isNull() & (F.col("odd").isNotNull() | ~has_all)
    failure = F.when(is_doubtful, _first_failure(record_schemas))
    return df.withColumn("message", F.coalesce("message", failure)).drop("odd")


def _has_required(schema: RecordSchema) -> Column:
    """Whether all that is required has a value: a quick test, and all there is to test where nothing is odd."""
    has_all = F.lit(True)
    for path, attribute in walk(schema.image_attributes):
        if attribute.required:
            is_there = is_found(path, attribute)
            has_all = has_all & (is_there if len(path) == 1 else is_there | ~at(".".join(path[:-1])))
    return has_all


def _first_failure(record_schemas: Mapping[str, RecordSchema]) -> Column:
    """The message of the first attribute in schema order that fails.

    The attributes' requirements are constant arrays that one lambda goes through, so that the code which all records
    run stays small.
    """
    attributes = list(walk(merged_attributes(record_schemas)))
    position = {path: index for index, (path, _) in enumerate(attributes)}
    requirements = F.lit(None)
    for record_type, schema in record_schemas.items():
        requirements = F.when(F.col("type") == record_type, _requirements(schema, position)).otherwise(
            requirements
        )
    found = F.array(*(is_found(path, each) for path, each in attributes))
    return let(
        F.struct(found.alias("found"), F.col("odd")),
        lambda state: F.get(
            F.array_compact(F.transform(requirements, lambda each: _message(each, state))), F.lit(0)
        ),
    )


def _requirements(schema: RecordSchema, position: Mapping[Path, int]) -> Column:
    return F.array(
        *(
            F.struct(
                F.lit(position[path]).alias("position"),
                F.lit(position.get(path[:-1], -1)).alias("parent"),
                F.lit(missing(schema.type, ".".join(path)) if attribute.required else None)
                .cast("string")
                .alias("missing"),
                F.lit(wrong_value(schema.type, ".".join(path), attribute.tags, attribute.kind)).alias(
                    "wrong"
                ),
            )
            for path, attribute in walk(schema.image_attributes)
        )
    )


def _message(requirement: Column, state: Column) -> Column:
    position, parent = requirement["position"], requirement["parent"]
    applies = (parent < 0) | F.get(state["found"], parent)
    is_absent = F.coalesce(F.get(state["odd"], position)["absent"], F.lit(True))
    failure = F.when(is_absent, requirement["missing"]).otherwise(requirement["wrong"])
    return F.when(applies & ~F.get(state["found"], position), failure)
