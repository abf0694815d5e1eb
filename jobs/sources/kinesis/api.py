"""The four calls to Kinesis that the source makes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jobs.instants import from_epoch, now
from jobs.plural import plural
from jobs.retries import insisting
from jobs.sources.kinesis.answers import explained
from jobs.sources.kinesis.clients import make_client
from jobs.sources.kinesis.errors import KinesisUnavailable, Transient
from jobs.sources.kinesis.offsets import TRIM_HORIZON, Position, instant_of

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import DescribeStreamSummaryOutputTypeDef

T = TypeVar("T")

_RETENTION_KEPT = timedelta(minutes=10)


@dataclass(frozen=True)
class Page:
    """One GetRecords answer: its records, the next iterator (None at a closed shard's end) and its lag.

    ``asked_at`` is when the request was sent.
    """

    records: Sequence[dict[str, Any]]
    next_iterator: str | None
    lag_ms: int
    asked_at: datetime


@dataclass(frozen=True)
class ListedShard:
    """A shard of the stream and the shards it was split from or merged of (also such as are gone by now)."""

    id: str
    parents: tuple[str, ...]


class StreamApi:
    """The calls on one stream, from the moment ``connect`` was called. Calls may be made from many threads."""

    def __init__(self, stream: str, region: str | None, attempts: int, connections: int) -> None:
        self.stream = stream
        self.region = region
        self.attempts = attempts
        self.connections = connections
        self._client: KinesisClient
        self._retention: tuple[datetime, timedelta] | None = None

    def connect(self) -> None:
        """Makes the client, before threads use it. Raises KinesisUnavailable where nothing says where or as whom."""
        with explained(self.stream):
            self._client = make_client(self.region, 1, self.connections)

    def shards(self) -> dict[str, ListedShard]:
        """Every shard that the stream still lists, open and closed. Raises StreamMissing."""
        return self._insist(lambda: list_shards(self._client, self.stream))

    def horizon(self) -> datetime:
        """The instant before which the stream holds nothing any more, by its retention period of now."""
        if self._retention is None or now() - self._retention[0] > _RETENTION_KEPT:
            summary = self._insist(lambda: describe(self._client, self.stream))
            self._retention = now(), timedelta(hours=summary["RetentionPeriodHours"])
        return now() - self._retention[1]

    def iterator(self, shard: str, position: Position) -> str:
        """A shard iterator that stands at the position: at a sequence number's own record, not after it."""
        wanted: dict[str, Any] = {
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "StartingSequenceNumber": position,
        }
        if instant := instant_of(position):
            wanted = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": instant}
        elif position == TRIM_HORIZON:
            wanted = {"ShardIteratorType": "TRIM_HORIZON"}
        with explained(self.stream):
            answer = self._client.get_shard_iterator(StreamName=self.stream, ShardId=shard, **wanted)
        return answer["ShardIterator"]

    def page(self, iterator: str, limit: int) -> Page:
        """One GetRecords. Raises Transient for what a later call may do better, IteratorExpired among it."""
        asked_at = now()
        with explained(self.stream):
            answer = self._client.get_records(ShardIterator=iterator, Limit=limit)
        records = cast("Sequence[dict[str, Any]]", answer["Records"])
        return Page(records, answer.get("NextShardIterator"), answer.get("MillisBehindLatest", 0), asked_at)

    def _insist(self, call: Callable[[], T]) -> T:
        def explain() -> T:
            with explained(self.stream):
                return call()

        try:
            return insisting(explain, self.attempts, lambda error: isinstance(error, Transient))
        except Transient as error:
            raise KinesisUnavailable(
                f"Kinesis didn't answer about stream {self.stream} in {plural(self.attempts, 'attempt')} ({error.code}): "
                "start again when it has recovered, nothing is lost; source.retry_attempts is the bound."
            ) from error


def list_shards(client: "KinesisClient", stream: str) -> dict[str, ListedShard]:
    """Every shard of the stream by id, in order; botocore's errors."""
    answer = client.list_shards(StreamName=stream)
    shards = list(answer["Shards"])
    while token := answer.get("NextToken"):
        answer = client.list_shards(NextToken=token)
        shards += answer["Shards"]
    listed = []
    for shard in shards:
        parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
        listed.append(ListedShard(shard["ShardId"], tuple(parent for parent in parents if parent)))
    return {shard.id: shard for shard in sorted(listed, key=lambda shard: shard.id)}


def describe(client: "KinesisClient", stream: str) -> dict[str, Any]:
    """The stream's description summary, its creation as a datetime, with the answer's own ``date``; botocore's errors."""
    answer: DescribeStreamSummaryOutputTypeDef = client.describe_stream_summary(StreamName=stream)
    summary = answer["StreamDescriptionSummary"]
    created = from_epoch(summary["StreamCreationTimestamp"])
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return {**summary, "StreamCreationTimestamp": created, "date": date}
