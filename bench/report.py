"""What was measured, as JSON and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.corpus import Corpus
from bench.machine import described
from bench.rounds import Pass, Passes
from bench.rows import FLOOR, JOB, PATHS
from jobs.demo.table import table

Report = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run of the benchmark.

    ``machine`` is ``machine.machine()``, ``load`` the load average of a minute before and after, ``peaks`` bytes by
    kind of process. ``peers`` says of the rows that other software made what that is.
    """

    corpus: Corpus
    passes: Mapping[str, Passes]
    peaks: Mapping[str, int]
    machine: Mapping[str, Any]
    load: tuple[float, float]
    peers: Mapping[str, str] = field(default_factory=dict)


def report(run: Run) -> Report:
    """Everything measured, as it is written as JSON.

    A row has its ``cold`` pass, those of the warm ``rounds``, min, median and max of these, and ``toFloor``: the median
    of the ratios to the floor in the same round, ``speed`` of the records per second, ``cpu`` of the records per CPU
    second, which other processes on the machine disturb less. The same ratios of the job to each of the ``peers``.
    """
    about = run.corpus
    return {
        "machine": dict(run.machine),
        "load": {"before": run.load[0], "after": run.load[1]},
        "corpus": {"seed": about.seed, "events": about.events, "bad": about.bad, "bytes": about.bytes},
        "rows": {name: _row(about.events, each, run.passes[FLOOR]) for name, each in run.passes.items()},
        "peers": {
            name: {"versions": versions, "job": _ratios(run.passes[name], run.passes[JOB])}
            for name, versions in run.peers.items()
        },
        "peakMemoryBytes": dict(run.peaks),
    }


def _row(events: int, passes: Passes, floor: Passes) -> dict[str, Any]:
    return {
        "cold": _pass(events, passes.cold),
        "rounds": [_pass(events, each) for each in passes.warm],
        "recordsPerSecond": _spread([events / each.seconds for each in passes.warm]),
        "cpuSeconds": _spread([each.cpu_seconds for each in passes.warm]),
        "toFloor": _ratios(floor, passes),
    }


def _ratios(of: Passes, row: Passes) -> dict[str, float | None]:
    """How fast the row is as a multiple of another, by the clock and by CPU time."""
    return {
        "speed": _ratio([each.seconds for each in of.warm], [each.seconds for each in row.warm]),
        "cpu": _ratio([each.cpu_seconds for each in of.warm], [each.cpu_seconds for each in row.warm]),
    }


def _pass(events: int, one: Pass) -> dict[str, float | None]:
    return {
        "recordsPerSecond": events / one.seconds,
        "seconds": one.seconds,
        "cpuSeconds": one.cpu_seconds,
    }


def _spread(values: Sequence[float | None]) -> dict[str, float] | None:
    known = [value for value in values if value is not None]
    return {"min": min(known), "median": median(known), "max": max(known)} if known else None


def _ratio(of: Sequence[float | None], row: Sequence[float | None]) -> float | None:
    """The median over the rounds; CPU time passes in ticks, so that of a tiny corpus may be none."""
    ratios = [theirs / ours for theirs, ours in zip(of, row, strict=True) if theirs is not None and ours]
    return median(ratios) if ratios else None


def lines(report: Report) -> list[str]:
    """The report as a person reads it."""
    about, load = report["corpus"], report["load"]
    rounds = len(report["rows"][FLOOR]["rounds"])
    head = ["records/s", "cold", "min", "median", "max", "to floor", "CPU s", "to floor by CPU"]
    corpus = (
        f"{about['events']:,} change events of {about['bytes'] / about['events']:,.0f} bytes, "
        f"{about['bad']:,} of them bad (seed {about['seed']}); {rounds} warm round{'s' if rounds > 1 else ''}"
    )
    return [
        corpus,
        f"{described(report['machine'])}, load {load['before']:.1f} before and {load['after']:.1f} after",
        "",
        *table(head, [_cells(name, row) for name, row in report["rows"].items()]),
        "",
        f"floor: {FLOOR}, from_json of the envelope and both images, every attribute with all of DynamoDB's tags",
        "cold: the first round, while Java warms up; CPU s: user and system of all processes, median",
        *(_to_peer(name, peer) for name, peer in report["peers"].items()),
        f"peak memory: {_peaks(report['peakMemoryBytes'])}",
    ]


def _to_peer(name: str, peer: Mapping[str, Any]) -> str:
    ratios = peer["job"]
    by_cpu = "?" if ratios["cpu"] is None else f"{ratios['cpu']:.2f}"
    return f"{JOB}, to {name}: {ratios['speed']:.2f}, by CPU {by_cpu} ({peer['versions']})"


def _cells(name: str, row: Mapping[str, Any]) -> list[str]:
    speed, cpu, to_floor = row["recordsPerSecond"], row["cpuSeconds"], row["toFloor"]
    is_path = name in PATHS
    return [
        name,
        f"{row['cold']['recordsPerSecond']:,.0f}",
        *(f"{speed[each]:,.0f}" for each in ("min", "median", "max")),
        f"{to_floor['speed']:.2f}" if is_path else "",
        f"{cpu['median']:.1f}" if cpu else "?",
        ("?" if to_floor["cpu"] is None else f"{to_floor['cpu']:.2f}") if is_path else "",
    ]


def _peaks(peaks: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{kind} {size / 1e9:.2f} GB" for kind, size in sorted(peaks.items())) or "not known here"
    )
