"""Insisting on a call about one shard, at the shard's pace."""

import time
from collections.abc import Callable
from typing import TypeVar

from jobs.sources.kinesis.api import StreamApi
from jobs.sources.kinesis.errors import AFTERWARDS, ExpiredShard, KinesisUnavailable, ShardMissing, Transient
from jobs.sources.kinesis.pace import Pace

T = TypeVar("T")


def patiently(api: StreamApi, shard: str, pace: Pace, call: Callable[[], T]) -> T:
    """What the call returns, tried again while it fails in passing, after growing pauses.

    Raises KinesisUnavailable after as many failures in a row as ``api`` makes attempts, ExpiredShard where the stream no
    longer has the shard.
    """
    while True:
        time.sleep(max(0.0, pace.due() - time.monotonic()))
        try:
            answer = call()
        except Transient as error:
            if isinstance(error, ShardMissing) and shard not in api.shards():
                raise ExpiredShard(
                    f"Stream {api.stream} no longer holds shard {shard}: records that weren't read have expired, {AFTERWARDS}."
                ) from error
            pace.failed()
            if pace.failures >= api.attempts:
                raise KinesisUnavailable(
                    f"Shard {shard} of stream {api.stream} can't be read: {error.code} {pace.failures} times in a row. "
                    "Try again later."
                ) from error
        else:
            pace.succeeded()
            return answer
