"""BR-005: personal data of deleted records is redacted."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.columns import at

REDACTED = "[redacted]"


def scrub(df: DataFrame, pii: Sequence[str]) -> DataFrame:
    """BR-005, BR-019: where ``isDeleted`` is true, each attribute of ``pii`` that is present becomes ``[redacted]``.

    In and out: the record's columns. What is absent stays absent; records that are not deleted keep what they hold.

    >>> rows = [(True, "+15550100", None), (None, "+15550100", None)]
    >>> df = spark.createDataFrame(rows, "isDeleted boolean, phoneNumber string, email string")
    >>> df.transform(scrub, ["phoneNumber", "email"]).show()
    +---------+-----------+-----+
    |isDeleted|phoneNumber|email|
    +---------+-----------+-----+
    |     true| [redacted]| NULL|
    |     NULL|  +15550100| NULL|
    +---------+-----------+-----+
    <BLANKLINE>
    """
    is_deleted = F.coalesce("isDeleted", F.lit(False))
    return df.withColumns(
        {name: F.when(is_deleted & at(name).isNotNull(), REDACTED).otherwise(at(name)) for name in pii}
    )
