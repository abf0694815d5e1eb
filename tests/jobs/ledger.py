"""What a producer put on a stream, and where Kinesis said it went."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jobs.demo.generator import DEMO, Change, events

_A_CALL, _CALL_BYTES = 500, 4_500_000


class Entry(NamedTuple):
    """One record of the stream."""

    shard: str
    sequence: str
    data: bytes


@dataclass
class Producer:
    """Puts change events on a stream through a boto3 client and remembers each with its shard and sequence number."""

    client: Any
    stream: str
    ledger: list[Entry] = field(default_factory=list)

    def publish(self, changes: Iterable[Change]) -> list[Entry]:
        """Puts the change events; returns their entries."""
        added: list[Entry] = []
        for call in _calls(list(changes)):
            records = [
                {"Data": each.data, "PartitionKey": each.partition_key or uuid.uuid4().hex} for each in call
            ]
            answer = self.client.put_records(StreamName=self.stream, Records=records)
            assert answer["FailedRecordCount"] == 0
            added += [
                Entry(result["ShardId"], result["SequenceNumber"], each.data)
                for each, result in zip(call, answer["Records"], strict=True)
            ]
        self.ledger += added
        return added

    def publish_some(self, seed: int, count: int, huge: int = 0) -> list[Entry]:
        """Puts made-up change events, broken ones among them, and so many of the largest that there may be.

        kinesis-mock takes more than a second to read one of the largest.
        """
        return self.publish(events(seed, count, mix=DEMO._replace(huge=huge)))


def _calls(changes: Sequence[Change]) -> Iterable[list[Change]]:
    call: list[Change] = []
    size = 0
    for change in changes:
        if call and (len(call) == _A_CALL or size + len(change.data) > _CALL_BYTES):
            yield call
            call, size = [], 0
        call.append(change)
        size += len(change.data)
    if call:
        yield call
