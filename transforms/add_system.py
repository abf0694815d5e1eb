"""BR-007: the originating system, from a demand's systemUserId."""

import re
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.columns import at

PARTS = ("id", "databaseId", "memberId")
DEFAULT_PATTERN = r"^(?<id>[^.:|]+)[.:|](?<databaseId>[^.:|]+)[.:|](?<memberId>[^.:|]+)$"


@dataclass(frozen=True)
class SystemUserIdPattern:
    """How a systemUserId splits into its three parts: ``groups`` are the numbers of the pattern's named groups.

    >>> SystemUserIdPattern.of("^(?<memberId>.+)@(?<databaseId>.+)/(?<id>.+)$")
    SystemUserIdPattern(java='^(?<memberId>.+)@(?<databaseId>.+)/(?<id>.+)$', groups=(3, 2, 1))
    """

    java: str
    groups: tuple[int, int, int]

    @classmethod
    def of(cls, pattern: str = DEFAULT_PATTERN) -> "SystemUserIdPattern":
        """From a regular expression with the named groups id, databaseId and memberId.

        Raises ValueError where it can't be compiled or lacks one of them.

        >>> SystemUserIdPattern.of("^(?<id>.+)/(?<memberId>.+)@(?<databaseId>.+)$").groups
        (1, 3, 2)
        """
        java = pattern.replace("(?P<", "(?<")
        try:
            numbers = re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", java)).groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        absent = [part for part in PARTS if part not in numbers]
        if absent:
            raise ValueError(f"the pattern lacks the named group(s) {', '.join(absent)}")
        return cls(java, (numbers["id"], numbers["databaseId"], numbers["memberId"]))


def add_system(df: DataFrame, pattern: SystemUserIdPattern) -> DataFrame:
    """BR-007: a demand whose systemUserId matches gets ``system {id, databaseId, memberId}``.

    In: ``type`` and the record's columns. Out: ``system boolean``, whether there is one, ``system.id`` and so on, and
    ``withoutSystem boolean``, true where a demand has a systemUserId that doesn't match.

    >>> df = spark.createDataFrame([("demand", "sys1:db2:7"), ("demand", "sys1")], "type string, systemUserId string")
    >>> df.transform(add_system, SystemUserIdPattern.of()).drop("type").show()
    +------------+------+---------+-----------------+---------------+-------------+
    |systemUserId|system|system.id|system.databaseId|system.memberId|withoutSystem|
    +------------+------+---------+-----------------+---------------+-------------+
    |  sys1:db2:7|  true|     sys1|              db2|              7|        false|
    |        sys1| false|         |                 |               |         true|
    +------------+------+---------+-----------------+---------------+-------------+
    <BLANKLINE>
    """
    user_id = F.when(F.col("type") == "demand", at("systemUserId"))
    matches = F.coalesce(user_id.rlike(pattern.java), F.lit(False))
    parts = {
        f"system.{part}": F.regexp_extract(user_id, pattern.java, group)
        for part, group in zip(PARTS, pattern.groups, strict=True)
    }
    return df.withColumns({"system": matches, **parts, "withoutSystem": user_id.isNotNull() & ~matches})
