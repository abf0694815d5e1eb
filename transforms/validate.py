"""BR-003: every record is validated against its Avro schema."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import Attribute, RecordSchema, merged_attributes
from transforms.attribute_values import is_absent
from transforms.columns import Path, at, let, walk
from transforms.image import in_image
from transforms.messages import missing, wrong_value


def validate(df: DataFrame, record_schemas: Mapping[str, RecordSchema]) -> DataFrame:
    """BR-003: required attributes are there, and whatever is there has the DynamoDB type its Avro type asks for.

    In: ``image``, ``type`` and the columns of :func:`transforms.unmarshall.unmarshall`. Out: ``message`` is set
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
    fits = F.lit(False)
    for record_type, schema in record_schemas.items():
        fits = F.when(F.col("type") == record_type, _fits(schema)).otherwise(fits)
    is_settled = F.col("message").isNotNull() | fits
    return df.withColumn(
        "message", F.when(is_settled, F.col("message")).otherwise(_first_failure(record_schemas))
    )


def _fits(schema: RecordSchema) -> Column:
    """A quick test that most records pass: all that is required has a value, all that is there has one."""
    fits = F.lit(True)
    for path, attribute in walk(schema.image_attributes):
        found = at(".".join(path))
        has_value = found if attribute.kind == "record" else found.isNotNull()
        if attribute.required and len(path) == 1:
            fits = fits & has_value
        else:
            fits = fits & (has_value | _may_lack(path, attribute))
    return fits


def _may_lack(path: Path, attribute: Attribute) -> Column:
    return ~at(".".join(path[:-1])) if attribute.required else _is_absent(path, attribute)


def _is_absent(path: Path, attribute: Attribute) -> Column:
    found = in_image(path)
    return found.isNull() if attribute.kind == "record" else is_absent(found)


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
    state = F.struct(
        F.array(*(_is_absent(path, each) for path, each in attributes)).alias("absent"),
        F.array(*(_is_found(path, each) for path, each in attributes)).alias("found"),
    )
    return let(
        state,
        lambda now: F.get(
            F.array_compact(F.transform(requirements, lambda each: _message(each, now))), F.lit(0)
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
    return F.when(
        applies,
        F.when(F.get(state["absent"], position), requirement["missing"]).when(
            ~F.get(state["found"], position), requirement["wrong"]
        ),
    )


def _is_found(path: Path, attribute: Attribute) -> Column:
    column = at(".".join(path))
    return column if attribute.kind == "record" else column.isNotNull()
