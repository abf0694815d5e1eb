"""The report: literal figures in, literal lines out."""

from pathlib import Path

import pytest

from bench.corpus import Corpus
from bench.report import Run, lines, report
from bench.rounds import Pass, Passes
from bench.rows import CountsWrong, check_counts
from jobs.sinks.results import WrittenObject

CORPUS = Corpus(Path("corpus"), seed=1, events=1000, bad=6, bytes=1_050_000)
MACHINE = {
    "coresUsed": 2,
    "cores": 8,
    "memoryBytes": 16_000_000_000,
    "system": "Linux x86_64",
    "java": "17.0.15",
    "spark": "4.1.1",
    "python": "3.11.2",
}


def passes(cold: float, *warm: float, cpu: float | None = 1.0) -> Passes:
    each = [Pass(seconds, cpu and seconds * cpu) for seconds in warm]
    return Passes(Pass(cold, cpu and cold * cpu), tuple(each))


def run(cpu: float | None = 2.0, peaks: dict[str, int] | None = None, peer: str = "") -> Run:
    rows = {
        "read": passes(1, 0.1, 0.1, 0.1, cpu=cpu),
        "parse only": passes(5, 1, 2, 4, cpu=cpu),
        "transform": passes(10, 2, 2, 5, cpu=cpu and 1.0),
        "transform and write": passes(20, 4, 2.5, 8, cpu=cpu),
    }
    if peer:
        rows[peer] = passes(9, 1, 2, 2, cpu=cpu and 1.0)
    return Run(CORPUS, rows, peaks or {}, MACHINE, (0.25, 2.04), {peer: "Pen 1.0"} if peer else {})


def test_a_person_reads_a_table() -> None:
    peaks = {"driver": 212_000_000, "JVM": 2_500_000_000, "Python workers": 400_000_000}
    assert lines(report(run(peaks=peaks))) == [
        "1,000 change events of 1,050 bytes, 6 of them bad (seed 1); 3 warm rounds",
        "2 of 8 cores, 16.0 GB, Linux x86_64, Java 17.0.15, Spark 4.1.1, Python 3.11.2, load 0.2 before and 2.0 after",
        "",
        "  records/s             cold     min  median     max  to floor  CPU s  to floor by CPU",
        "  read                 1,000  10,000  10,000  10,000              0.2",
        "  parse only             200     250     500   1,000              4.0",
        "  transform              100     200     500     500      0.80    2.0             1.60",
        "  transform and write     50     125     250     400      0.50    8.0             0.50",
        "",
        "floor: parse only, from_json of the envelope and both images, every attribute with all of DynamoDB's tags",
        "cold: the first round, while Java warms up; CPU s: user and system of all processes, median",
        "peak memory: JVM 2.50 GB, Python workers 0.40 GB, driver 0.21 GB",
    ]


def test_the_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_the_medians() -> None:
    # By round 1/4, 2/2.5, 4/8.
    assert report(run())["rows"]["transform and write"]["toFloor"] == {"speed": 0.5, "cpu": 0.5}
    assert report(run())["rows"]["parse only"]["toFloor"] == {"speed": 1.0, "cpu": 1.0}


def test_the_job_is_compared_with_each_peer() -> None:
    # By round 1/4, 2/2.5, 2/8; by CPU half of that.
    measured = report(run(peer="scribes"))
    assert measured["peers"] == {"scribes": {"versions": "Pen 1.0", "job": {"speed": 0.25, "cpu": 0.125}}}
    assert "transform and write, to scribes: 0.25, by CPU 0.12 (Pen 1.0)" in lines(measured)
    unknown = lines(report(run(cpu=None, peer="scribes")))
    assert "transform and write, to scribes: 0.25, by CPU ? (Pen 1.0)" in unknown
    assert report(run())["peers"] == {}


def test_the_json_has_every_round() -> None:
    row = report(run())["rows"]["transform"]
    assert row["cold"] == {"recordsPerSecond": 100, "seconds": 10, "cpuSeconds": 10}
    assert [one["recordsPerSecond"] for one in row["rounds"]] == [500, 500, 200]
    assert row["recordsPerSecond"] == {"min": 200, "median": 500, "max": 500}
    assert row["cpuSeconds"] == {"min": 2, "median": 2, "max": 5}


def test_what_a_system_does_not_tell_is_not_made_up() -> None:
    unknown = report(run(cpu=None))
    assert unknown["rows"]["transform"]["cpuSeconds"] is None
    assert unknown["rows"]["transform"]["toFloor"] == {"speed": 0.8, "cpu": None}
    printed = lines(unknown)
    assert (
        printed[6] == "  transform              100     200     500     500      0.80      ?                ?"
    )
    assert printed[-1] == "peak memory: not known here"


def written(kind: str, count: int) -> WrittenObject:
    return WrittenObject(
        kind=kind,
        type=None,
        partition_date=None,
        message=None,
        roll=0,
        count=count,
        bytes=1,
        sha256="",
        storage={"type": "file", "bucket": "", "key": ""},
    )


def test_a_pass_counts_only_where_every_change_event_was_archived_or_failed_as_it_should() -> None:
    check_counts(CORPUS, [written("delivery", 900), written("delivery", 94), written("error", 6)])
    for archived, failed in ((993, 6), (994, 7), (995, 5), (1000, 0)):
        with pytest.raises(CountsWrong, match=f"{archived:,} were archived and {failed} failed"):
            check_counts(CORPUS, [written("delivery", archived), written("error", failed)])
