"""BR-003: every record is validated against its Avro schema."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import Attribute, RecordSchema, merged_attributes
from transforms.attribute_values import is_absent
from transforms.columns import Path, at, let, walk
from transforms.messages import missing, wrong_value
from transforms.parse import event_with_variants
from transforms.select_image import chosen_image
from transforms.unmarshall import text_at

# DynamoDB writes this into every event that no service made; it alone is no reason to look for JSON nulls.
_USUAL_NULL = '"userIdentity":null'
_NO_VALUE = "null"


def validate(df: DataFrame, record_schemas: Mapping[str, RecordSchema]) -> DataFrame:
    """BR-003: required attributes are there, and whatever is there has the DynamoDB type its Avro type asks for.

    In: ``data``, ``type`` and the columns of :func:`transforms.unmarshall.unmarshall`. Out: ``message`` is set where a record
    fails, naming the first offending attribute in schema order.

    >>> from schemas import load, merged_attributes
    >>> from transforms import parse, select_image, unmarshall
    >>> sale = load()["sale"]
    >>> event = b'{"eventName":"INSERT","dynamodb":{"NewImage":{"type":{"S":"sale"},"id":{"N":"1"}}}}'
    >>> df = spark.createDataFrame([(event,)], "data binary").transform(parse, [each.name for each in sale.attributes])
    >>> df = df.transform(select_image).transform(unmarshall, sale.image_attributes)
    >>> df.transform(validate, {"sale": sale}).first().message
    'sale: id is not a DynamoDB S that fits Avro string (BR-003)'
    """
    fits, failure = F.lit(False), F.lit(None).cast("string")
    for record_type, schema in record_schemas.items():
        fits = F.when(F.col("type") == record_type, _fits(schema)).otherwise(fits)
    failure = _first_failure(record_schemas)
    is_sure = F.col("message").isNotNull() | (fits & ~_may_hide_value())
    return df.withColumn("message", F.when(is_sure, F.col("message")).otherwise(failure))


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
    if attribute.required:
        return ~at(".".join(path[:-1]))
    return text_at(path).isNull()


def _may_hide_value() -> Column:
    """A quick test for what the texts of attributes can't show: JSON null, and a string that looks like an object.

    As a string such an object needs escapes. Literal regular expressions, because Java skips through a text in search
    of them, while Spark's own string functions compare at every byte.
    """
    payload = F.col("data").cast("string")
    expected_nulls = F.when(payload.rlike(_USUAL_NULL), 1).otherwise(0)
    has_escaped_object = F.contains(payload, F.lit("\\")) & payload.rlike(r"\{\\|\\u007")
    return (F.regexp_count(payload, F.lit("null")) > expected_nulls) | has_escaped_object


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
    found = F.array(*(_is_found(path, each) for path, each in attributes))
    state = F.struct(_texts(attributes).alias("texts"), found.alias("found"))
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
    text, is_found = F.get(state["texts"], position), F.get(state["found"], position)
    applies = (parent < 0) | F.get(state["found"], parent)
    is_wrong = ~is_found | (text == _NO_VALUE)
    return F.when(
        applies, F.when(is_absent(text), requirement["missing"]).when(is_wrong, requirement["wrong"])
    )


def _is_found(path: Path, attribute: Attribute) -> Column:
    column = at(".".join(path))
    return column if attribute.kind == "record" else column.isNotNull()


def _texts(attributes: Sequence[tuple[Path, Attribute]]) -> Column:
    """The JSON texts of all attributes, ``_NO_VALUE`` for JSON null and for a string in place of an object."""
    texts = F.array(*(text_at(path) for path, _ in attributes))
    names = [path[0] for path, _ in attributes if len(path) == 1]

    def corrected(event: Column) -> Column:
        variants = let(
            chosen_image(event), lambda image: F.array(*(_variant_at(image, path) for path, _ in attributes))
        )
        return F.zip_with(
            texts, variants, lambda text, each: F.when(_is_no_value(each), _NO_VALUE).otherwise(text)
        )

    return F.when(_may_hide_value(), let(event_with_variants(names), corrected)).otherwise(texts)


def _is_no_value(variant: Column) -> Column:
    return F.is_variant_null(variant) | (F.schema_of_variant(variant) == "STRING")


def _variant_at(image: Column, path: Path) -> Column:
    inside = "".join(f".M.{name}" for name in path[1:])
    return F.try_variant_get(image[path[0]], f"${inside}", "variant")
