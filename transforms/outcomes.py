"""The whole way of a change event, from payload to what is written."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import RecordSchema, merged_attributes
from transforms.add_body import add_body
from transforms.add_change import add_change
from transforms.add_partition_date import add_partition_date
from transforms.add_reference import add_reference, dates_of
from transforms.add_system import SystemUserIdPattern, add_system
from transforms.check_type import check_type
from transforms.mark_deleted import mark_deleted
from transforms.parse import parse
from transforms.scrub import scrub
from transforms.select_image import select_image
from transforms.unmarshall import unmarshall
from transforms.validate import validate


def records(
    df: DataFrame,
    record_schemas: Mapping[str, RecordSchema],
    batch_time: Column,
    pattern: SystemUserIdPattern,
) -> DataFrame:
    """Every rule in the order of its step: a change event in, its record's columns or a ``message`` out.

    In: ``data binary``, ``sequenceNumber string`` (more columns pass through). ``batch_time`` is the batch's time
    as ISO text. Out: ``type``, ``partitionDate``, ``message``, ``withoutSystem``, the record's columns
    (:mod:`transforms.columns`), beside the columns of the steps.

    >>> from schemas import load
    >>> image = '{"type":{"S":"sale"},"id":{"S":"s1"},"eventId":{"S":"e1"},"saleStartDateTime":{"S":"2026-03-01T10:00:00Z"}}'
    >>> event = '{"eventName":"INSERT","dynamodb":{"NewImage":%s}}' % image
    >>> df = spark.createDataFrame([(event.encode(), "49")], "data binary, sequenceNumber string")
    >>> df = df.transform(records, load(), F.lit("2026-03-02T00:00:00.000Z"), SystemUserIdPattern.of())
    >>> df.select("type", "partitionDate", "message", "`reference.id`").show()
    +----+-------------+-------+------------+
    |type|partitionDate|message|reference.id|
    +----+-------------+-------+------------+
    |sale|   2026-03-01|   NULL|       e1_s1|
    +----+-------------+-------+------------+
    <BLANKLINE>
    """
    attributes = merged_attributes(record_schemas)
    return (
        df.transform(parse, attributes)
        .transform(select_image)
        .transform(unmarshall, attributes)
        .transform(check_type)
        .transform(validate, record_schemas)
        .transform(mark_deleted, batch_time)
        .transform(scrub, [each.name for each in attributes if each.pii])
        .transform(add_system, pattern)
        .transform(add_reference, batch_time, dates_of(record_schemas["demand"]))
        .transform(add_change)
        .transform(add_partition_date, batch_time)
    )


def outcomes(
    df: DataFrame,
    record_schemas: Mapping[str, RecordSchema],
    batch_time: Column,
    pattern: SystemUserIdPattern,
) -> DataFrame:
    """What is to be written for each change event: exactly one row in, exactly one row out.

    In: ``data binary``, ``shardId string``, ``sequenceNumber string``; ``batch_time`` is the batch's time as ISO text.
    Out: ``type string, partitionDate string, message string, body binary, withoutSystem boolean, shardId string,
    sequenceNumber string``; a record has type, date and its datum as body, an archive error only message and body.

    >>> from schemas import load
    >>> df = spark.createDataFrame([(b"no json", "shardId-0", "49")], "data binary, shardId string, sequenceNumber string")
    >>> df = df.transform(outcomes, load(), F.lit("2026-03-02T00:00:00.000Z"), SystemUserIdPattern.of())
    >>> row = df.first()
    >>> row.type, row.message, bytes(row.body)
    (None, 'the payload is not one JSON object', b',"no json"')
    """
    is_record = F.col("message").isNull()
    return (
        df.transform(records, record_schemas, batch_time, pattern)
        .transform(add_body, record_schemas)
        .select(
            F.when(is_record, F.col("type")).alias("type"),
            F.when(is_record, F.col("partitionDate")).alias("partitionDate"),
            "message",
            "body",
            (is_record & F.col("withoutSystem")).alias("withoutSystem"),
            "shardId",
            "sequenceNumber",
        )
    )
