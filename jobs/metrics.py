"""Every batch's figures as CloudWatch metrics: log lines in the embedded metric format, of which CloudWatch Logs makes metrics.

That takes no agent and no call: the lines go where the job's log goes. :data:`METRICS` lists all there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from jobs.settings import Settings
from jobs.sinks.records import DeliveryRecord

log = structlog.get_logger()

PHASES = ("lookup", "write", "catalog", "record", "leftovers")
METRICS = {
    "RecordsRead": "Count",
    "RecordsArchived": "Count",
    "RecordsFailed": "Count",
    "Containers": "Count",
    "ErrorObjects": "Count",
    "Bytes": "Bytes",
    "PendingPartitions": "Count",
    "LagMilliseconds": "Milliseconds",
    "BatchSeconds": "Seconds",
    **{f"{phase.capitalize()}Seconds": "Seconds" for phase in PHASES},
}
"""Each metric with its CloudWatch unit. All have the dimension Stream; ``BY_TYPE`` also come with Stream and Type."""

BY_TYPE = {"archived": "RecordsArchived", "failed": "RecordsFailed"}


@dataclass(frozen=True)
class Metrics:
    """Where the metrics of a stream's batches go: a namespace of CloudWatch."""

    namespace: str
    stream: str

    def tell(
        self,
        record: DeliveryRecord,
        told: Mapping[str, Any],
        seconds: Mapping[str, float],
        lag_ms: int | None,
        *,
        replayed: bool,
    ) -> None:
        """Write a line for the batch, and one for each type in it; ``told`` is what its log line says.

        A batch that was archived already isn't counted again: of its replay only lag, seconds and what is pending are told.
        """
        values: dict[str, float] = {"PendingPartitions": told["pendingPartitions"], **_durations(seconds)}
        if lag_ms is not None:
            values["LagMilliseconds"] = lag_ms
        if replayed:
            self._write(values)
            return
        self._write(values | _counts(record, told["bytes"]))
        for type in sorted({*told["archived"], *told["failed"]}):
            self._write({name: told[of].get(type, 0) for of, name in BY_TYPE.items()}, Type=type)

    def _write(self, values: Mapping[str, float], **dimensions: str) -> None:
        # Late, because it takes a while and only this needs it.
        from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
            AmazonCloudWatchEMFProvider,
        )

        provider = AmazonCloudWatchEMFProvider(namespace=self.namespace)
        for name, value in {"Stream": self.stream, **dimensions}.items():
            provider.add_dimension(name, value)
        for name, number in values.items():
            provider.add_metric(name, METRICS[name], number)
        line: dict[str, Any] = {**provider.serialize_metric_set()}
        log.info("metrics", **line)


def open_metrics(settings: Settings) -> Metrics | None:
    """The metrics that the conf asks for, None where it wants none."""
    if not settings.metrics.enabled:
        return None
    return Metrics(settings.metrics.namespace, settings.source.stream)


def _durations(seconds: Mapping[str, float]) -> dict[str, float]:
    return {
        "BatchSeconds": round(sum(seconds.values()), 3),
        **{f"{phase.capitalize()}Seconds": duration for phase, duration in seconds.items()},
    }


def _counts(record: DeliveryRecord, size: int) -> dict[str, float]:
    return {
        "RecordsRead": record.counts.read,
        "RecordsArchived": record.counts.archived,
        "RecordsFailed": record.counts.failed,
        "Containers": len(record.deliveries),
        "ErrorObjects": len(record.errors),
        "Bytes": size,
    }
