"""Which of two changes of a record is the newer one, and where in the table the record is."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

BUCKET = "bucket"
BUCKETS = "buckets"


def age(columns: Sequence[str], of: str = "") -> Column:
    """What changes of a record are ordered by, a struct: greater is newer, null is older than any value.

    ``change.time``, of a REMOVE without one ``date.deleted``, which is its batch's time: it would lose to every change, and
    personal data stay. Then ``change.sequenceNumber`` as a number, without leading zeros the longer one is the greater; a
    REMOVE without one (redriven, say) wins, for the same reason. Where they don't decide (changes without them, duplicates) a
    deletion wins, then the later ``reference.timestamp``, then ``change.id``, and last a hash of ``columns``: whatever order the
    changes come in, the same one wins. ``reference.timestamp`` may stand still, and a sale deleted before it starts turns it back, so it never
    decides before the others.

    >>> change = "struct<id:string,name:string,time:string,sequenceNumber:string>"
    >>> ddl = f"change {change}, date struct<deleted:string>, isDeleted boolean, reference struct<timestamp:string>, m map<string,int>"
    >>> rows = [
    ...     (("e", "MODIFY", "5", "9"), None, None, ("b",), {}),
    ...     (("e", "MODIFY", "5", "10"), None, None, ("a",), {}),
    ...     (("e", "REMOVE", "5", None), ("5",), True, ("a",), {}),
    ...     (("e", "MODIFY", None, "11"), None, None, ("c",), {}),
    ...     (("e", "REMOVE", None, "1"), ("6",), True, ("c",), {}),
    ... ]
    >>> df = spark.createDataFrame(rows, ddl)
    >>> [(row.change.time, row.change.sequenceNumber) for row in df.orderBy(age(["m"])).collect()]
    [(None, '11'), ('5', '9'), ('5', '10'), ('5', None), (None, '1')]
    """
    prefix = f"{of}." if of else ""
    number = F.col(f"{prefix}change.sequenceNumber")
    is_removal = F.col(f"{prefix}change.name") == "REMOVE"
    return F.struct(
        F.coalesce(F.col(f"{prefix}change.time"), F.when(is_removal, F.col(f"{prefix}date.deleted"))),
        F.coalesce(is_removal & number.isNull(), F.lit(False)),
        F.octet_length(number),
        number,
        F.coalesce(F.col(f"{prefix}isDeleted"), F.lit(False)),
        F.col(f"{prefix}reference.timestamp"),
        F.col(f"{prefix}change.id"),
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
