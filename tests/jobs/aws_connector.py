"""A data source with the name, the required options and the columns of the AWS connector, which isn't on PyPI."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

from pyspark.sql.datasource import DataSource, SimpleDataSourceStreamReader
from pyspark.sql.types import StructType

REQUIRED = ("kinesis.streamname", "kinesis.endpointurl")


class StandIn(DataSource):
    """Two batches of one change event each, and an end that its offset doesn't know."""

    @classmethod
    def name(cls) -> str:
        return "aws-kinesis"

    def schema(self) -> str:
        return (
            "data binary, streamName string, partitionKey string, sequenceNumber string, "
            "approximateArrivalTimestamp timestamp"
        )

    def simpleStreamReader(self, schema: StructType) -> "StandInReader":
        options = {name.lower(): value for name, value in self.options.items()}
        assert all(options.get(name) for name in REQUIRED)
        assert options["kinesis.endpointurl"].startswith("http")
        assert options["kinesis.startingposition"] == "AT_TIMESTAMP 2026-03-01T11:00:00Z"
        return StandInReader()


class StandInReader(SimpleDataSourceStreamReader):
    LAST: ClassVar[int] = 2

    def initialOffset(self) -> dict[str, Any]:
        return {"batchId": 0}

    def read(self, start: dict[str, Any]) -> tuple[Iterator[tuple[Any, ...]], dict[str, Any]]:
        number = start["batchId"]
        if number == self.LAST:
            return iter([]), start
        return iter([_row(number)]), {"batchId": number + 1}

    def readBetweenOffsets(self, start: dict[str, Any], end: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        return iter([_row(number) for number in range(start["batchId"], end["batchId"])])


def _row(number: int) -> tuple[Any, ...]:
    return (b"not json", "changes", "key", str(number), datetime(2026, 3, 1, tzinfo=UTC))
