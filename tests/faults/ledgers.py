"""What a producer's ledger would say of a stream that no producer of ours filled."""

import base64
import json

from tests.jobs.ledger import Entry
from tests.sources.fake_kinesis import FakeKinesis


def entries(fake: FakeKinesis) -> list[Entry]:
    """Everything that was ever put on the stream, with its place."""
    records = [(shard.id, json.loads(text)) for shard in fake.shards.values() for text in shard.records]
    return [Entry(id, each["SequenceNumber"], base64.b64decode(each["Data"])) for id, each in records]
