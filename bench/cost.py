"""``python -m bench.cost``: what the job costs a month on EMR Serverless, and what others would, by list price.

``bench/COST.md`` has what this prints, and says where the figures come from.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MONTH_DAYS = 30.4
RECORD_KB = 1.1
VOLUMES = (50_000, 5_000_000, 500_000_000)


@dataclass(frozen=True)
class Prices:
    """Dollars, on demand, us-east-1, x86, as published in 2025."""

    emr_vcpu_hour: float = 0.052624
    emr_gb_hour: float = 0.0057785
    lambda_gb_second: float = 0.0000166667
    lambda_million_requests: float = 0.20
    firehose_gb: float = 0.029
    firehose_partitioned_gb: float = 0.020
    firehose_thousand_objects: float = 0.005
    s3_thousand_puts: float = 0.005
    stream_hour: float = 0.04
    stream_gb_in: float = 0.08
    stream_gb_out: float = 0.04
    glue_million_calls: float = 1.00


@dataclass(frozen=True)
class Measured:
    """What ``make bench`` measured, rounded to the worse; ``per_core`` is records per second of one vCPU."""

    job_per_core: float = 10_000
    node_cpu_seconds: float = 18e-6
    containers_per_batch: float = 6
    run_minutes: float = 3
    peak_to_mean: float = 3


PRICES, MEASURED = Prices(), Measured()
_GLUE_CALLS = (
    24 * 15
)  # a day's: some fifteen for the tables at each start, one or two where a partition is new
_KEPT_PER_BATCH = 4  # a delivery record, and what Spark and the job keep in the checkpoint
_WORKER_VCPU, _WORKER_GB = 2, 8
_LAMBDA_GB, _LAMBDA_VCPU = 1.0, 0.58
_LAMBDA_PUTS_SECONDS = 0.5
_LAMBDA_RECORDS = 4_000  # 6 MB, as base64, are all that an invocation may get
_FIREHOSE_KB = 5  # every record counts as a multiple of this
_FIREHOSE_OBJECTS = 4 * 24 * 12  # a type and date each, every five minutes


def permanent(records: int, trigger_seconds: float = 60) -> float:
    """The stream job, always on, a batch a minute; ``records`` are a day's."""
    return _emr(hours=24, executors=_executors(records)) + _puts(_objects() * 86_400 / trigger_seconds)


def scheduled(records: int, runs: int = 24) -> float:
    """``archive --until-caught-up``, so many times a day; between them nothing runs."""
    executors = _executors(records)
    speed = MEASURED.job_per_core * _WORKER_VCPU * executors
    hours = runs * MEASURED.run_minutes / 60 + records / speed / 3600
    batches = max(runs, records / 200_000)
    return _emr(hours, executors) + _puts(_objects() * batches)


def lambda_worker(records: int) -> float:
    """A Lambda on Node, of 1 GB, that gathers for a minute and writes the same containers."""
    invocations = max(1440.0, records / _LAMBDA_RECORDS)
    busy = records * MEASURED.node_cpu_seconds / _LAMBDA_VCPU + invocations * _LAMBDA_PUTS_SECONDS
    requests = invocations * PRICES.lambda_million_requests / 1e6
    month = MONTH_DAYS * (busy * _LAMBDA_GB * PRICES.lambda_gb_second + requests)
    return month + _puts(invocations * MEASURED.containers_per_batch)


def firehose(records: int) -> float:
    """Data Firehose with dynamic partitioning and a Lambda that applies the rules; it writes JSON, not Avro."""
    billed = records * math.ceil(RECORD_KB / _FIREHOSE_KB) * _FIREHOSE_KB / 1e6
    delivered = records * RECORD_KB / 1e6
    objects = max(_FIREHOSE_OBJECTS, delivered / 0.128)
    day = billed * PRICES.firehose_gb + delivered * PRICES.firehose_partitioned_gb
    day += objects * PRICES.firehose_thousand_objects / 1000
    busy = records * MEASURED.node_cpu_seconds / _LAMBDA_VCPU
    return MONTH_DAYS * (day + busy * _LAMBDA_GB * PRICES.lambda_gb_second) + _puts(objects)


def stream(records: int) -> float:
    """What all of them pay alike: an on-demand stream that is read once, and the catalog; reading calls are free."""
    gigabytes = MONTH_DAYS * records * RECORD_KB / 1e6
    kinesis = MONTH_DAYS * 24 * PRICES.stream_hour + gigabytes * (PRICES.stream_gb_in + PRICES.stream_gb_out)
    return kinesis + MONTH_DAYS * _GLUE_CALLS * PRICES.glue_million_calls / 1e6


def _executors(records: int) -> int:
    per_second = records / 86_400 * MEASURED.peak_to_mean
    return max(1, math.ceil(per_second / (MEASURED.job_per_core * _WORKER_VCPU)))


def _emr(hours: float, executors: int) -> float:
    """A driver and the executors, for so many hours a day."""
    workers = MONTH_DAYS * hours * (1 + executors)
    return workers * (_WORKER_VCPU * PRICES.emr_vcpu_hour + _WORKER_GB * PRICES.emr_gb_hour)


def _objects() -> float:
    return MEASURED.containers_per_batch + _KEPT_PER_BATCH


def _puts(a_day: float) -> float:
    return MONTH_DAYS * a_day * PRICES.s3_thousand_puts / 1000


ROWS: dict[str, Callable[[int], float]] = {
    "this job, always on, a batch a minute": permanent,
    "this job, every hour until caught up": scheduled,
    "this job, once a day until caught up": lambda records: scheduled(records, runs=1),
    "Lambda on Node, containers each minute": lambda_worker,
    "Data Firehose and a Lambda, JSON": firehose,
    "with each of them: the stream and Glue's calls": stream,
}


def lines() -> Iterator[str]:
    """The table, as Markdown."""
    yield f"| dollars a month | {' | '.join(f'{each:,} a day' for each in VOLUMES)} |"
    yield f"| --- |{' ---: |' * len(VOLUMES)}"
    for name, cost in ROWS.items():
        yield f"| {name} | {' | '.join(f'{cost(each):,.0f}' for each in VOLUMES)} |"


if __name__ == "__main__":
    print("\n".join(lines()))
