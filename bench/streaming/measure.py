"""All that is measured of the job as a stream, and how it is told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from bench.streaming.latency import latencies, percentile
from bench.streaming.query import Reading, batches, seconds, wait
from bench.streaming.source import loop_seconds, source_seconds
from jobs.demo.emulator import Emulator
from jobs.demo.generator import events
from jobs.demo.publish import create_stream, publish
from jobs.demo.table import table

SHARDS = 4
SOURCE, LOOP = "Kinesis source into Spark", "bare boto3 loop"
NOTHING, ARCHIVE = "into a no-op sink", "into the archive"

Figures = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Sizes:
    """How much is measured: records read at once, in how many rounds; small batches of so many records; seconds of latency.

    ``beginning`` seconds go before these, in which the query begins.
    """

    records: int = 40_000
    rounds: int = 3
    small: int = 1_000
    batches: int = 30
    warm_up: int = 15
    rates: tuple[int, ...] = (10, 1_000)
    triggers: tuple[str, ...] = ("1 seconds", "10 seconds")
    beginning: int = 10
    lasting: int = 40


def sizes_for(events: int) -> Sizes:
    """Sizes for a benchmark of so many change events: smaller ones where there are fewer than the records of a source row."""
    if events >= Sizes.records:
        return Sizes()
    return Sizes(
        events,
        rounds=1,
        small=100,
        batches=1,
        warm_up=1,
        rates=(10,),
        triggers=("1 seconds",),
        beginning=1,
        lasting=1,
    )


def measure_streaming(spark: SparkSession, aws: Emulator, scratch: Path, sizes: Sizes, say: Say) -> Figures:
    """Everything, one after the other. Raises PipelineError."""
    return {
        "source": _source(spark, aws, scratch / "source", sizes, say),
        "smallBatches": _small_batches(spark, aws, scratch / "small", sizes, say),
        "latency": list(_latency(spark, aws, scratch / "latency", sizes, say)),
    }


def _source(spark: SparkSession, aws: Emulator, scratch: Path, sizes: Sizes, say: Say) -> Figures:
    stream = _filled(aws, "source", sizes.records)
    per_second: dict[str, list[float]] = {SOURCE: [], LOOP: []}
    for number in range(sizes.rounds + 1):  # the first isn't counted: Java warms up in it
        took = {
            SOURCE: source_seconds(spark, stream, sizes.records, scratch / str(number)),
            LOOP: loop_seconds(aws.client("kinesis"), stream, sizes.records),
        }
        for name, each in took.items():
            say(f"{name}: {sizes.records / each:,.0f} records/s")
            per_second[name] += [sizes.records / each] if number else []
    ratios = [ours / bare for ours, bare in zip(per_second[SOURCE], per_second[LOOP], strict=True)]
    return {"recordsPerSecond": per_second, "toLoop": median(ratios)}


def _small_batches(spark: SparkSession, aws: Emulator, scratch: Path, sizes: Sizes, say: Say) -> Figures:
    """Medians of the batches after the first ones, in which Java warms up."""
    count = sizes.warm_up + sizes.batches
    stream = _filled(aws, "small", count * sizes.small)
    medians = {}
    for name in (NOTHING, ARCHIVE):
        reading = Reading(spark, stream, scratch / name.replace(" ", "-"), most=sizes.small)
        with reading.into_nothing() if name == NOTHING else reading.into_the_archive() as query:
            wait(query, _has(query, count))
            medians[name] = median(map(seconds, batches(query)[sizes.warm_up : count]))
        say(f"a batch of {sizes.small:,} records {name}: {medians[name]:.2f} s")
    return {"seconds": medians, "ratio": medians[ARCHIVE] / medians[NOTHING]}


def _latency(spark: SparkSession, aws: Emulator, scratch: Path, sizes: Sizes, say: Say) -> Iterator[Figures]:
    for rate in sizes.rates:
        for trigger in sizes.triggers:
            name = f"{rate}-every-{trigger.replace(' ', '-')}"
            create_stream(aws, name, shards=1)  # the emulator counts sequence numbers anew in each
            client = aws.client("kinesis")
            ages = latencies(
                spark, client, name, scratch / name, rate, trigger, sizes.beginning, sizes.lasting
            )
            measured = {"p50": percentile(ages, 0.5), "p95": percentile(ages, 0.95), "records": len(ages)}
            say(f"{rate:,} records/s, a batch every {trigger}: p50 {measured['p50']:.1f} s")
            yield {"recordsPerSecond": rate, "trigger": trigger, **measured}


def _has(query: StreamingQuery, count: int) -> Callable[[], bool]:
    return lambda: len(batches(query)) >= count


def _filled(aws: Emulator, name: str, records: int) -> str:
    create_stream(aws, name, SHARDS)
    publish(aws, name, events(1, records))
    return name


def streaming_lines(figures: Figures) -> Iterator[str]:
    """The figures as a person reads them."""
    source, small = figures["source"], figures["smallBatches"]
    for name, each in source["recordsPerSecond"].items():
        yield f"{name}: {median(each):,.0f} records/s (median of {len(each)})"
    yield f"the source, to the loop: {source['toLoop']:.2f}"
    yield from (f"a small batch {name}: {each:.2f} s" for name, each in small["seconds"].items())
    yield f"the archive, to the no-op sink: {small['ratio']:.2f}"
    yield ""
    head = ["from publishing to the container", "records", "p50 s", "p95 s"]
    yield from table(head, [_cells(each) for each in figures["latency"]])


def _cells(each: Figures) -> list[str]:
    what = f"{each['recordsPerSecond']:,} records/s, a batch every {each['trigger']}"
    return [what, f"{each['records']:,}", f"{each['p50']:.1f}", f"{each['p95']:.1f}"]
