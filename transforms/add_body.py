"""What is written: a record's Avro datum, or the event inside an archive error."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import to_avro

from schemas import RecordSchema
from transforms.columns import record
from transforms.messages import Message


def add_body(df: DataFrame, record_schemas: Mapping[str, RecordSchema]) -> DataFrame:
    """Serialize each row: the Avro datum of a record, the JSON string of an archive error's event.

    In: ``type``, the record's columns, ``message``, ``payload``. Out: ``body binary``: the bare datum by the type's
    schema, or, where there is a message, a comma and the event's text as a JSON string (BR-014), so that bodies in
    a row are the inside of a JSON array but for the first byte.

    >>> df = spark.createDataFrame([("no json", "why", None)], "payload string, message string, type string")
    >>> bytes(df.transform(add_body, {}).first().body)
    b',"no json"'
    """
    datum = F.lit(None).cast("binary")
    for record_type, schema in record_schemas.items():
        serialized = to_avro(record(schema.attributes), schema.avro_text)
        datum = F.when(F.col("type") == record_type, serialized).otherwise(datum)
    return df.withColumn("body", F.when(F.col("message").isNotNull(), _event_text()).otherwise(datum))


def _event_text() -> Column:
    # Spark breaks base64 into lines of 76 characters.
    base64 = F.replace(F.base64("payload"), F.lit("\r\n"), F.lit(""))
    text = F.when(F.col("message") == Message.NOT_UTF8, base64).otherwise(F.col("payload"))
    text = F.coalesce(text, F.lit(""))
    # {"e":"…"} without its first five characters and its last is the JSON string alone.
    literal = F.substring(F.to_json(F.struct(text.alias("e"))), 6, 2**31 - 1)
    return F.concat(F.lit(","), F.left(literal, F.length(literal) - 1)).cast("binary")
