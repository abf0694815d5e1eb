"""BR-002: only the four record types are processed."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import RECORD_TYPES
from transforms.messages import Message


def check_type(df: DataFrame) -> DataFrame:
    """BR-002: ``type`` is one of the four, exactly.

    In and out: ``type string`` and ``message``; a type that isn't becomes null together with a message.

    >>> df = spark.createDataFrame([("sale", None), ("Sale", None)], "type string, message string")
    >>> df.transform(check_type).select("type").show()
    +----+
    |type|
    +----+
    |sale|
    |NULL|
    +----+
    <BLANKLINE>
    """
    known = F.when(F.col("type").isin(*RECORD_TYPES), F.col("type"))
    message = F.coalesce("message", F.when(known.isNull(), Message.TYPE))
    return df.withColumns({"type": known, "message": message})
