"""Does what the archive job does, with the oracle in its place: `python stand_in_job.py CONF [leave-out]`.

It lets the demo's own checks be tested without Spark, also on an archive that lacks a record.
"""

import io
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import fastavro

from tests.oracle import archive
from tests.oracle.messages import message
from tests.oracle.rulebook import schema_of

BATCH_TIME = "2026-04-01T00:00:00.000Z"


def main(conf_file: str, *flaws: str) -> None:
    conf = tomllib.loads(Path(conf_file).read_text())
    bucket, prefix = conf["archive"]["uri"].removeprefix("s3://").split("/", 1)
    records, failures = archive(read(conf["source"]["stream"]), BATCH_TIME)

    def put(key: str, body: bytes) -> None:
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=body)

    counts = {"archived": sum(map(len, records.values())), "failed": sum(map(len, failures.values()))}
    for (type_, day), group in records.items():
        container = io.BytesIO()
        fastavro.writer(container, schema_of(type_), group[1:] if flaws and type_ == "sale" else group)
        put(f"data/{type_}/partition_date={day}/made.avro", container.getvalue())
    for number, (failure, payloads) in enumerate(failures.items()):
        events = [payload.decode(errors="replace") for payload in payloads]
        error = {"timestamp": BATCH_TIME, "error": {"message": message(failure)}, "events": events}
        put(f"errors/{number}.json", json.dumps(error).encode())
    put("deliveries/2026-04-01/made.json", json.dumps({"counts": counts}).encode())
    catalog(conf["catalog"]["database"], sorted(records))
    line = {
        "event": "batch",
        "batchId": 0,
        "archived": {"all": counts["archived"]},
        "failed": {"all": counts["failed"]},
        "objects": 7,
    }
    sys.stdout.write(json.dumps(line) + "\n")


def read(stream: str) -> Iterator[tuple[str, str, bytes]]:
    kinesis: Any = boto3.client("kinesis")
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        place = {"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**place)["ShardIterator"]
        for _ in range(200):
            page = kinesis.get_records(ShardIterator=iterator, Limit=1000)
            yield from ((shard["ShardId"], r["SequenceNumber"], r["Data"]) for r in page["Records"])
            iterator = page["NextShardIterator"]
            if not page["Records"] and not page["MillisBehindLatest"]:
                break


def catalog(database: str, groups: list[tuple[str, str]]) -> None:
    glue: Any = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": database})
    for type_ in {type_ for type_, _ in groups}:
        glue.create_table(DatabaseName=database, TableInput={"Name": type_, "StorageDescriptor": {}})
        days = [{"Values": [day], "StorageDescriptor": {}} for found, day in groups if found == type_]
        glue.batch_create_partition(DatabaseName=database, TableName=type_, PartitionInputList=days)


if __name__ == "__main__":
    main(*sys.argv[1:])
