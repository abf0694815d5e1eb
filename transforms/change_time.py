"""The time of a change, ``ApproximateCreationDateTime``."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from transforms.attribute_values import valid_number


def change_time(created: Column, precision: Column) -> Column:
    """``ApproximateCreationDateTime`` as ``timestamp``; null where it is no number or no year from 1 to 9999.

    Its precision decides where it is given, else the magnitude does: below 1e11 it is seconds, below 1e14
    milliseconds, otherwise microseconds.

    >>> rows = [("1772368496", None), ("1772368496.25", None), ("1772368496789", "MILLISECOND"), ("soon", None)]
    >>> df = spark.createDataFrame(rows, "t string, p string")
    >>> [row[0] for row in df.select(change_time(F.col("t"), F.col("p")).cast("string")).collect()]
    ['2026-03-01 12:34:56', '2026-03-01 12:34:56.25', '2026-03-01 12:34:56.789', None]
    """
    number = created.try_cast("decimal(29,9)")
    factor = (
        F.when(precision == "MICROSECOND", 1)
        .when(precision == "MILLISECOND", 1000)
        .when(number < 10**11, 1000000)
        .when(number < 10**14, 1000)
        .otherwise(1)
    )
    # Whole numbers, which is what DynamoDB sends, don't need the slower decimals.
    whole = F.try_multiply(created.try_cast("bigint"), factor)
    micros = F.coalesce(whole, F.floor(number * factor).try_cast("bigint"))
    return F.when(micros.between(-62135596800000000, 253402300799999999), F.timestamp_micros(micros))


def exact_creation_time(text: Column) -> Column:
    """The text of ``ApproximateCreationDateTime`` with all its digits: a fraction went through a double in from_json.

    In: ``payload``. Null where it is no number, or has an exponent of more than three digits: Spark would be at such a
    decimal for minutes.

    >>> event = '{"dynamodb":{"ApproximateCreationDateTime":1772368496.7891234}}'
    >>> df = spark.createDataFrame([(event, "1.772368496789123E9"), ("", "1772368496")], "payload string, t string")
    >>> [row[0] for row in df.select(exact_creation_time(F.col("t"))).collect()]
    ['1772368496.789123400000000000', '1772368496']
    """
    number = valid_number(text)
    event = F.try_parse_json("payload")
    exact = F.try_variant_get(event, "$.dynamodb.ApproximateCreationDateTime", "decimal(38,18)")
    return F.when(number.contains("."), exact.cast("string")).otherwise(number)
