"""A checkpoint as Spark leaves it, made up for an archive of ``making``."""

import json
from collections.abc import Sequence
from pathlib import Path

from jobs.batch import Batch
from jobs.checkpoint import claim
from jobs.instants import EPOCH, from_iso
from jobs.sinks.storage import Storage, open_storage
from jobs.sources.kinesis.offsets import TRIM_HORIZON
from jobs.sources.kinesis.start import KEPT_START
from tests.verify.making import QUERY, STREAM, read_by, shard


def make_checkpoint(
    directory: Path, archive: str, batches: Sequence[Batch], interrupted: Batch | None = None
) -> Storage:
    """The checkpoint of a job that committed these batches, and began one more or not."""
    checkpoint = open_storage(str(directory))
    claim(checkpoint, archive)
    checkpoint.put("metadata", json.dumps({"id": QUERY}).encode())
    start = {"stream": STREAM, "arn": "", "created": "", "offset": {shard(0): TRIM_HORIZON}}
    checkpoint.put(KEPT_START, json.dumps(start).encode())
    for batch in [*batches, *([interrupted] if interrupted else [])]:
        ends = {name: moved["to"] for name, moved in read_by(batch)["shards"].items()}
        time = round((from_iso(batch.timestamp) - EPOCH).total_seconds() * 1000)
        log = ["v1", json.dumps({"batchTimestampMs": time}), json.dumps(ends)]
        checkpoint.put(f"offsets/{batch.batch_id}", "\n".join(log).encode())
    for batch in batches:
        checkpoint.put(f"commits/{batch.batch_id}", b"v1\n{}")
    return checkpoint
