"""The four calls to Kinesis that the source makes, with its errors sorted into those worth a retry and the others."""

import binascii
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from jobs.sources.kinesis.errors import (
    IteratorExpired,
    KinesisUnavailable,
    ShardMissing,
    StreamMissing,
    Transient,
)
from jobs.sources.kinesis.instants import from_epoch, now
from jobs.sources.kinesis.offsets import TRIM_HORIZON, Position, instant_of

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import DescribeStreamSummaryOutputTypeDef

THROTTLED = {"ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException"}
THROTTLED |= {"KMSThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "Throttling"}
_PASSING = THROTTLED | {"InternalFailure", "InternalFailureException", "ServiceUnavailable", "RequestTimeout"}
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


def make_clients(
    region: str | None, attempts: tuple[int, ...], connections: int
) -> "dict[int, KinesisClient]":
    """A client for each number of attempts, whose answers hold timestamps as epoch seconds.

    That costs a fraction of parsing datetimes. Endpoint and credentials come from the standard AWS environment, the
    region too where it is None. Raises botocore's errors where nothing says which region.
    """
    region = region or os.environ.get("AWS_REGION")
    session = botocore.session.Session()
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=float, blob_parser=binascii.a2b_base64)
    return {number: _client(session, region, number, connections) for number in attempts}


def kinesis_client(region: str | None = None, attempts: int = 5) -> "KinesisClient":
    """A client for the driver, with the same idea of region, endpoint and credentials as the source has.

    Raises KinesisUnavailable where nothing says which region.
    """
    with explained(""):
        return make_clients(region, (attempts,), 10)[attempts]


def _client(
    session: botocore.session.Session, region: str | None, attempts: int, connections: int
) -> "KinesisClient":
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
        connect_timeout=10,
        read_timeout=30,
    )
    return cast("KinesisClient", session.create_client("kinesis", region_name=region, config=config))


@contextmanager
def explained(stream: str) -> Iterator[None]:
    """Raises botocore's errors as the source's own: Transient, StreamMissing or KinesisUnavailable."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(stream, error) from error
    except (BotoConnectionError, HTTPClientError) as error:
        raise Transient(type(error).__name__) from error
    except NoCredentialsError as error:
        raise KinesisUnavailable(
            "No AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with a role."
        ) from error
    except NoRegionError as error:
        raise KinesisUnavailable("No AWS region: set source.region or AWS_REGION.") from error
    except BotoCoreError as error:
        raise KinesisUnavailable(f"Kinesis can't be asked about stream {stream}: {error}") from error


def _of_answer(stream: str, error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ExpiredIteratorException":
        return IteratorExpired(code)
    if code in _PASSING or status >= 500 or status == 429:
        return Transient(code)
    if code == "ResourceNotFoundException" and error.operation_name in ("GetRecords", "GetShardIterator"):
        return ShardMissing(code)
    if code == "ResourceNotFoundException":
        return StreamMissing(
            f"There is no Kinesis stream {stream} in this account and region: "
            "check source.stream, source.region and the credentials."
        )
    detail = error.response.get("Error", {}).get("Message", "")
    return KinesisUnavailable(f"Kinesis refused {error.operation_name} on stream {stream}: {code}: {detail}")


class StreamApi:
    """The calls on one stream, from the moment ``connect`` was called. Calls may be made from many threads."""

    def __init__(self, stream: str, region: str | None, attempts: int, connections: int) -> None:
        self.stream = stream
        self.region = region
        self.attempts = attempts
        self.connections = connections
        self._clients: dict[int, KinesisClient] = {}
        self._retention: tuple[datetime, timedelta] | None = None

    def connect(self) -> None:
        """Makes the clients, before threads use them. Raises KinesisUnavailable where nothing says where or as whom."""
        with explained(self.stream):
            self._clients = make_clients(self.region, (1, self.attempts), self.connections)

    def shards(self) -> dict[str, ListedShard]:
        """Every shard that the stream still lists, open and closed. Raises StreamMissing."""
        with self._insisting():
            return list_shards(self._clients[self.attempts], self.stream)

    def horizon(self) -> datetime:
        """The instant before which the stream holds nothing any more, by its retention period of now."""
        if self._retention is None or now() - self._retention[0] > _RETENTION_KEPT:
            with self._insisting():
                summary = describe(self._clients[self.attempts], self.stream)
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
            answer = self._clients[1].get_shard_iterator(StreamName=self.stream, ShardId=shard, **wanted)
        return answer["ShardIterator"]

    def page(self, iterator: str, limit: int) -> Page:
        """One GetRecords. Raises Transient for what a later call may do better, IteratorExpired among it."""
        asked_at = now()
        with explained(self.stream):
            answer = self._clients[1].get_records(ShardIterator=iterator, Limit=limit)
        records = cast("Sequence[dict[str, Any]]", answer["Records"])
        return Page(records, answer.get("NextShardIterator"), answer.get("MillisBehindLatest", 0), asked_at)

    @contextmanager
    def _insisting(self) -> Iterator[None]:
        try:
            with explained(self.stream):
                yield
        except Transient as error:
            raise KinesisUnavailable(
                f"Kinesis didn't answer about stream {self.stream} in {self.attempts} attempts: {error.code}."
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
