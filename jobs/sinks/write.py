"""The one write of a batch: outcomes in, containers and error objects in the archive out."""

from collections.abc import Mapping
from functools import lru_cache

from pyspark import SparkContext, StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro

from jobs.batch import Batch
from jobs.sinks.assembly import Assembly
from jobs.sinks.blocks import GROUP, PART
from jobs.sinks.failures import BadOutcomes
from jobs.sinks.formats import DEFAULT, Containers
from jobs.sinks.results import RESULT_DDL, WrittenObject, from_row, raise_failure
from jobs.sinks.storage import Storage
from schemas import RecordSchema

_SIZES_DDL = "largeType string, largeDate string, largeMessage string, parts int"


def write(
    outcomes: DataFrame,
    batch: Batch,
    storage: Storage,
    schemas: Mapping[str, RecordSchema],
    *,
    partitions: int,
    containers: Containers = DEFAULT,
    spread: bool = False,
) -> list[WrittenObject]:
    """Write a batch's outcomes and tell every object stored, in a fixed order (BR-012 to 017).

    ``outcomes`` has type, partitionDate, message, shardId, sequenceNumber string, body binary and withoutSystem
    boolean; it is evaluated once. ``partitions`` 1 keeps it in one task without a shuffle, more spread the groups over so
    many. ``spread`` is for batches of any size: the outcomes are kept on Spark's disks until they are written, and a group
    of more than ``containers.max_bytes`` is spread over tasks too. ``schemas`` is ``schemas.load()``.
    Raises what the tasks ran into: a ``StorageError``, ``ArchivedObjectDiffers``, ``BadOutcomes``; or
    ``UnknownCodec``.
    """
    containers.check()
    texts = {type: schema.avro_text for type, schema in schemas.items()}
    assembly = Assembly(batch, storage, texts, containers)
    if not spread:
        return _assembled(outcomes, assembly, partitions)
    kept = outcomes.persist(StorageLevel.DISK_ONLY)
    try:
        return _assembled(_in_parts(kept, containers.max_bytes), assembly, partitions)
    finally:
        kept.unpersist()


def _assembled(outcomes: DataFrame, assembly: Assembly, partitions: int) -> list[WrittenObject]:
    group = [name for name in (*GROUP, *PART) if name in outcomes.columns]
    together = outcomes.coalesce(1) if partitions == 1 else outcomes.repartition(partitions, *group)
    order = _order(outcomes.sparkSession.sparkContext)
    ordered = together.sortWithinPartitions(*map(F.col, group), *order)
    bodies = _typed(assembly.schemas) if assembly.containers.format == "parquet" else [F.col("body")]
    rows = ordered.select(*group, *bodies, "withoutSystem").mapInArrow(assembly, RESULT_DDL).collect()
    raise_failure(row.asDict() for row in rows)
    return _distinct(sorted((from_row(row.asDict()) for row in rows), key=lambda one: one.order))


def _typed(texts: Mapping[str, str]) -> list[Column]:
    """A body as Parquet's writer takes it: an archive error's ``body``, a record's ``size`` and typed attributes.

    They are read from the datum again, once the rows are in order, so that all before is the same whatever the format.
    """
    is_record = F.col("message").isNull()
    body = F.when(~is_record, F.col("body"))
    size = F.when(is_record, F.octet_length("body"))
    records = (
        from_avro(F.when(is_record & (F.col("type") == type), F.col("body")), text).alias(type)
        for type, text in texts.items()
    )
    return [body.alias("body"), size.alias("size"), *records]


def _in_parts(outcomes: DataFrame, max_bytes: int) -> DataFrame:
    """The outcomes with ``part`` and ``parts``, where a group has more bytes than an object may: about so many a part.

    In which part a row is follows from its body and the group's bytes, so a replay puts it in the same one.
    """
    size = F.sum(F.octet_length("body"))
    parts = F.ceil(size / max_bytes).cast("int")
    large = outcomes.groupBy(*GROUP).agg(parts.alias("parts")).where("parts > 1").collect()
    if not large:
        return outcomes
    known = F.broadcast(outcomes.sparkSession.createDataFrame(large, _SIZES_DDL))
    is_same = F.lit(True)
    for name, other in zip(GROUP, known.columns, strict=False):
        is_same = is_same & F.col(name).eqNullSafe(F.col(other))
    count = F.coalesce("parts", F.lit(1))
    return outcomes.join(known, is_same, "left").withColumns(
        {"parts": count, "part": F.pmod(F.xxhash64("body"), count).cast("int")}
    )


@lru_cache(maxsize=1)
def _order(_context: SparkContext) -> list[Column]:
    """Stream order: a shard's sequence numbers as numbers, of up to 56 digits.

    Without a leading zero a longer number is a greater one. The body settles the order of rows that have no
    sequence number, so that it never depends on how Spark happened to hand them over.
    """
    number = F.col("sequenceNumber")
    return [F.col("shardId"), F.octet_length(number), number, F.col("body")]


def _distinct(written: list[WrittenObject]) -> list[WrittenObject]:
    if len({one.storage["key"] for one in written}) != len(written):
        raise BadOutcomes("two tasks wrote one object: the rows of a group must be in one partition")
    return written
