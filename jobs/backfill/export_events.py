"""Items of exports as change events: text is cut and put into an envelope, never parsed and written anew."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.attribute_values import STRICT_JSON

_ITEM = b'{"Item":'
_ITEM_PATTERN = r'^\{\s*"Item"\s*:'
# Of the images it is enough to know that they are there: members that aren't named here are skipped.
_CHANGE = (
    "Metadata struct<WriteTimestampMicros: string>, Keys struct<_: string>, "
    "NewImage struct<_: string>, OldImage struct<_: string>"
)


def inserts(lines: DataFrame, time_ms: int) -> DataFrame:
    """A full export's lines ``{"Item": {…}}`` as INSERTs at the export's time.

    Column in and out: ``data binary``. A line of another form stays as it is, and so ends in an archive error.

    >>> df = spark.createDataFrame([(b'{"Item":{"type":{"S":"sale"}}}',)], "data binary")
    >>> print(inserts(df, 1772368496789).first().data.decode())
    {"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":1772368496789,"ApproximateCreationDateTimePrecision":"MILLISECOND","NewImage":{"type":{"S":"sale"}}}}
    """
    data = F.col("data")
    is_usual = F.startswith(data, F.lit(_ITEM))
    pattern = F.regexp_extract(data.cast("string"), _ITEM_PATTERN, 0)
    head = F.when(is_usual, len(_ITEM)).otherwise(F.length(pattern))
    item = F.substring(data, head + 1, F.octet_length(data) - head - 1)
    event = F.concat(
        _envelope(F.lit(b"INSERT"), F.lit(str(time_ms).encode()), "MILLISECOND"), F.lit(b'"NewImage":'), item
    )
    is_item = (head > 0) & F.endswith(data, F.lit(b"}"))
    return lines.select(F.when(is_item, F.concat(event, F.lit(b"}}"))).otherwise(data).alias("data"))


def changes(lines: DataFrame) -> DataFrame:
    """An incremental export's lines as change events at the time of their last write.

    Without a new image it is a REMOVE, without an old one an INSERT, else a MODIFY. So all live items of an export with
    new images alone are INSERTs, and its REMOVEs have no image: they end in an archive error (BR-001). Columns, and lines
    of another form, as for ``inserts``.

    >>> line = b'{"Metadata":{"WriteTimestampMicros":{"N":"1772368496789000"}},"Keys":{"id":{"S":"e"}}}'
    >>> df = spark.createDataFrame([(line,)], "data binary")
    >>> print(changes(df).first().data.decode())
    {"eventName":"REMOVE","dynamodb":{"ApproximateCreationDateTime":1772368496789000,"ApproximateCreationDateTimePrecision":"MICROSECOND","Metadata":{"WriteTimestampMicros":{"N":"1772368496789000"}},"Keys":{"id":{"S":"e"}}}}
    """
    data, change = F.col("data"), F.col("change")
    new, old = change["NewImage"].isNotNull(), change["OldImage"].isNotNull()
    name = F.when(~new, F.lit(b"REMOVE")).when(~old, F.lit(b"INSERT")).otherwise(F.lit(b"MODIFY"))
    micros = F.regexp_extract(change["Metadata"]["WriteTimestampMicros"], "[0-9]+", 0).cast("binary")
    members = F.substring(data, F.lit(2), F.octet_length(data) - 1)
    event = F.concat(_envelope(name, micros, "MICROSECOND"), members, F.lit(b"}"))
    is_change = change["Keys"].isNotNull() & (F.octet_length(micros) > 0)
    return lines.withColumn("change", F.from_json(data.cast("string"), _CHANGE, STRICT_JSON)).select(
        F.when(is_change, event).otherwise(data).alias("data")
    )


def _envelope(name: Column, time: Column, precision: str) -> Column:
    """A change event up to the members of ``dynamodb`` that follow its time."""
    return F.concat(
        F.lit(b'{"eventName":"'),
        name,
        F.lit(b'","dynamodb":{"ApproximateCreationDateTime":'),
        time,
        F.lit(f',"ApproximateCreationDateTimePrecision":"{precision}",'.encode()),
    )
