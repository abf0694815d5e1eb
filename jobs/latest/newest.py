"""Which of two changes of a record is the newer one, and where in the table the record is."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

BUCKET = "bucket"
BUCKETS = "buckets"


def age(columns: Sequence[str], of: str = "") -> Column:
    """What changes of a record are ordered by, a struct: greater is newer, null is older than any value.

    ``change.time``, then ``change.sequenceNumber`` as a number, without leading zeros the longer one is the greater. Where
    they don't decide (changes without them, duplicates) a deletion wins, then the later ``reference.timestamp``, and last a
    hash of ``columns``: whatever order the changes come in, the same one wins. ``reference.timestamp`` may stand still, and a
    sale deleted before it starts turns it back, so it never decides before the others.

    >>> change = "struct<time:string,sequenceNumber:string>"
    >>> ddl = f"change {change}, isDeleted boolean, reference struct<timestamp:string>, n int, m map<string,int>"
    >>> rows = [(("t", "9"), None, ("b",), 1, {}), (("t", "10"), None, ("a",), 2, {}), ((None, "11"), True, ("c",), 3, {})]
    >>> df = spark.createDataFrame(rows, ddl)
    >>> [row.n for row in df.orderBy(age(["n", "m"])).collect()]
    [3, 1, 2]
    """
    prefix = f"{of}." if of else ""
    number = F.col(f"{prefix}change.sequenceNumber")
    return F.struct(
        F.col(f"{prefix}change.time"),
        F.octet_length(number),
        number,
        F.coalesce(F.col(f"{prefix}isDeleted"), F.lit(False)),
        F.col(f"{prefix}reference.timestamp"),
        # As JSON, because Spark hashes no maps.
        F.xxhash64(F.to_json(F.struct(*(f"{prefix}{name}" for name in columns)))),
    )


def newest(records: DataFrame, buckets: int) -> DataFrame:
    """The newest record of each ``reference.id``, with its ``bucket``."""
    columns = records.columns
    of_reference = records.groupBy("reference.id")
    rows = of_reference.agg(F.max_by(F.struct(*columns), age(columns)).alias("newest")).select("newest.*")
    # So that a table says itself how many buckets it was made with.
    return rows.withColumn(
        BUCKET, bucket(F.col("reference.id"), buckets).alias(BUCKET, metadata={BUCKETS: buckets})
    )


def bucket(reference_id: Column, buckets: int) -> Column:
    """The bucket of a record, 0 to ``buckets`` - 1: what belongs to one event is in one bucket.

    A run's changes are those of few events, so few buckets are rewritten by it.

    >>> df = spark.createDataFrame([("E1_S1_fan",), ("E1_S2",), ("E1",), ("E2",)], "id string")
    >>> [row[0] for row in df.select(bucket(F.col("id"), 64)).collect()]
    [35, 35, 35, 26]
    """
    event = F.substring_index(reference_id, "_", 1)
    return F.pmod(F.xxhash64(event), F.lit(buckets)).cast("int")
