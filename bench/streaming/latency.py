"""How old a change event is when the container that holds it is there, at a steady rate of publishing."""

import io
import json
import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastavro
from pyspark.sql import SparkSession

from bench.streaming.query import Reading, wait
from jobs.demo.generator import Change, events

_PER_SECOND = 10
_MOST = 200_000


@dataclass
class Publisher:
    """Publishes at a steady rate and remembers when each sequence number was acknowledged, in seconds since 1970."""

    client: Any
    stream: str
    published: dict[str, float] = field(default_factory=dict)

    def publish(self, changes: Sequence[Change], rate: int) -> None:
        """Put the changes, so many a second, in up to ten calls a second."""
        calls = min(rate, _PER_SECOND)
        size, begin = rate // calls, time.monotonic()
        for number, at in enumerate(range(0, len(changes), size)):
            time.sleep(max(0.0, begin + number / calls - time.monotonic()))
            records = [
                {"Data": each.data, "PartitionKey": each.partition_key} for each in changes[at : at + size]
            ]
            answer = self.client.put_records(StreamName=self.stream, Records=records)
            now = time.time()
            self.published.update((each["SequenceNumber"], now) for each in answer["Records"])


def latencies(
    spark: SparkSession,
    client: Any,
    stream: str,
    directory: Path,
    rate: int,
    trigger: str,
    beginning: int,
    lasting: int,
) -> list[float]:
    """Seconds from acknowledgement to container of every change event published for ``lasting`` seconds, in order.

    The ``beginning`` seconds before them aren't counted: the query begins in them.
    """
    reading = Reading(spark, stream, directory, most=_MOST)
    archive = directory / "archive"
    publisher = Publisher(client, stream)
    changes = list(events(1, rate * (beginning + lasting), bad_share=0))
    with reading.into_the_archive(trigger) as query:
        thread = threading.Thread(target=publisher.publish, args=(changes, rate), name="publisher")
        thread.start()
        wait(query, lambda: not thread.is_alive() and _archived(archive) >= len(changes))
    counted = set(list(publisher.published)[rate * beginning :])
    return sorted(at - publisher.published[number] for number, at in _arrivals(archive) if number in counted)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that the share of the ordered values doesn't pass (nearest rank).

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _archived(archive: Path) -> int:
    records = (json.loads(each.read_bytes()) for each in archive.glob("deliveries/**/*.json"))
    return sum(each["counts"]["read"] for each in records)


def _arrivals(archive: Path) -> Iterator[tuple[str, float]]:
    """Sequence number, and when its container was there, of every record in the archive."""
    for container in archive.glob("data/**/*.avro"):
        at = container.stat().st_mtime
        records: Iterator[Any] = fastavro.reader(io.BytesIO(container.read_bytes()))
        for record in records:
            yield record["change"]["sequenceNumber"], at
