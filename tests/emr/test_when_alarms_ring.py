"""When alarms ring: their expressions, evaluated over made-up minutes as CloudWatch's documentation says."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.emr.stack import Stack

Value = float | None
"""A metric's figure in one period, None where there was none."""

HOUR = 12
"""Periods of five minutes."""

REPEAT = object()


def states(alarm: Mapping[str, Any], **series: Sequence[Value]) -> list[bool]:
    """Whether the alarm rings after each period, from silence on; metrics that aren't told have no figures."""
    length = len(next(iter(series.values())))
    metrics = alarm.get("Metrics")
    if metrics is None:
        ((_, values),) = series.items()
    else:
        (expression,) = (one["Expression"] for one in metrics if "Expression" in one)
        ids = {one["Id"] for one in metrics if "MetricStat" in one}
        assert set(series) <= ids
        figures = {id: list(series.get(id, [None] * length)) for id in ids}
        values = [result(expression, figures, at) for at in range(length)]
    return ringing(alarm, values)


def result(expression: str, figures: Mapping[str, list[Value]], at: int) -> Value:
    """An expression of metric math in one period."""

    def fill(values: list[Value], instead: Any) -> Value:
        known = [value for value in values[: at + 1] if value is not None]
        if values[at] is not None:
            return values[at]
        if instead is REPEAT:
            return known[-1] if known else None
        return float(instead)

    python = re.sub(r"FILL\((\w+), ", r"FILL(_all['\1'], ", expression)
    python = python.replace(" AND ", " and ")
    names = {id: values[at] for id, values in figures.items()}
    functions = {
        "FILL": fill,
        "IF": lambda test, yes, no: yes if test else no,
        "REPEAT": REPEAT,
        "_all": figures,
    }
    try:
        found: Value = eval(python, {"__builtins__": {}}, {**names, **functions})  # noqa: S307 - our template's
    except (TypeError, ZeroDivisionError):
        return None
    return found


def ringing(alarm: Mapping[str, Any], values: Sequence[Value]) -> list[bool]:
    """The alarm's state after each period."""
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    periods, rings, told = int(alarm["EvaluationPeriods"]), False, []
    for at in range(len(values)):
        window = [*([None] * periods), *values[: at + 1]][-periods:]
        known = [value > float(alarm["Threshold"]) for value in window if value is not None]
        if alarm["TreatMissingData"] == "notBreaching" or len(known) == periods:
            rings = len(known) == periods and all(known)
        else:
            assert alarm["TreatMissingData"] == "ignore"
            rings = rings and all(known)
        told.append(rings)
    return told


def alarm(name: str, **parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = Stack(parameters).of_type("AWS::CloudWatch::Alarm")[name]
    return found


def test_no_batch_while_records_arrive_rings_after_the_second_span() -> None:
    assert states(alarm("NoBatchAlarm"), arrived=[40, 40, 40], batches=[15, None, None]) == [
        False,
        False,
        True,
    ]


def test_a_quiet_night_and_the_first_record_after_it_are_no_standstill() -> None:
    arrived = [40, None, 0, 1, 40]
    assert not any(states(alarm("NoBatchAlarm"), arrived=arrived, batches=[15, None, None, None, 15]))


def test_a_job_that_never_made_a_batch_is_noticed() -> None:
    assert states(alarm("NoBatchAlarm"), arrived=[40, 40]) == [False, True]


@pytest.mark.parametrize(("hours", "rings"), [(16, False), (17, True)])
def test_lag_rings_by_its_share_of_the_retention(hours: int, rings: bool) -> None:
    lagging = alarm("LagAlarm", StreamRetentionHours="168", LagPercent="10")
    assert states(lagging, lag=[1500, hours * 3_600_000]) == [False, rings]


def test_lag_that_is_not_told_is_no_lag() -> None:
    assert not any(states(alarm("LagAlarm"), lag=[None, 0, None]))


@pytest.mark.parametrize(("failed", "rings"), [(2, False), (3, True)])
def test_a_failed_share_rings_above_its_threshold(failed: int, rings: bool) -> None:
    sharing = alarm("FailedShareAlarm", FailedPercent="1")
    assert states(sharing, failed=[0, failed], read=[10, 200]) == [False, rings]


def test_without_batches_there_is_no_failed_share() -> None:
    assert not any(states(alarm("FailedShareAlarm"), failed=[None, 0], read=[None, 0]))


def test_partitions_that_are_pending_for_less_than_an_hour_are_nobodys_business() -> None:
    least = [2.0] * (HOUR - 1) + [0.0] + [2.0] * (HOUR - 1)
    assert not any(states(alarm("PendingPartitionsAlarm"), least=least))


def test_partitions_that_are_pending_for_an_hour_ring_until_a_batch_registers_them() -> None:
    told = states(alarm("PendingPartitionsAlarm"), least=[2.0] * (HOUR + 1) + [0.0])
    assert told == [False] * (HOUR - 1) + [True, True, False]


def test_partitions_stay_pending_between_two_batches() -> None:
    told = states(alarm("PendingPartitionsAlarm"), least=[1.0] + [None] * HOUR)
    assert told == [False] * (HOUR - 1) + [True, True]


@pytest.mark.parametrize("name", ["FailedRunAlarm", "DeadLettersAlarm"])
def test_one_failed_run_or_dead_letter_rings(name: str) -> None:
    assert states(alarm(name), only=[None, 0, 1]) == [False, False, True]
