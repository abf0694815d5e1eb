"""``python -m bench``: records per second of the archive job's path, next to the floor of reading the JSON at all."""

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.corpus import Corpus, Recipe, corpus
from bench.growth import growth_lines, growth_report, measure_growth
from bench.latest import latest_lines, latest_report, measure_latest
from bench.machine import described, machine, pin
from bench.options import parsed
from bench.peers.rows import with_peers
from bench.peers.workers import COMMANDS, Workers
from bench.processes import PeakMemory
from bench.report import Report, Run, lines, report
from bench.rounds import Pass, measure
from bench.rows import spark_rows
from bench.scale_out import measure_scale_out, scale_out_lines, scale_out_report
from bench.streaming.measure import measure_streaming, sizes_for, streaming_lines
from jobs.archive import STREAMING
from jobs.demo.emulator import Emulator
from jobs.errors import PipelineError
from jobs.log import configure_logging
from jobs.session import spark_session

CORES = 2
Figures = tuple[Report, Iterable[str]]
_MEMORY = {"spark.driver.memory": "4g"}
_SETTINGS = {
    **_MEMORY,
    "spark.sql.adaptive.enabled": "false",  # as in a stream
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the JSON; 0 when done, 1 where something is wrong, 130 after Ctrl-C."""
    options = parsed(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    configure_logging(sys.stderr, logging.WARNING)
    logging.disable(logging.ERROR)  # py4j prints a traceback of an interruption; errors are raised anyway
    try:
        options.cache.mkdir(parents=True, exist_ok=True)
        file = options.json or options.cache / f"{options.what}.json"
        _write(file, *_WHATS[options.what](options, file))
    except (PipelineError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    return 0


def _rows(options: argparse.Namespace, file: Path) -> Figures:
    """Measure every row, and draw the plot beside the figures."""
    # Imported here: it takes a second, and every process of `--growth` and `--scale-out` would wait for it.
    from bench.plot import plot

    measured = bench(options.cache, options.recipe, options.rounds, options.peers)
    plot(measured, file.with_suffix(".svg"))
    return measured, [*lines(measured), f"drawn: {file.with_suffix('.svg')}"]


def bench(cache: Path, recipe: Recipe, rounds: int, peers: bool) -> Report:
    """Make the corpus where it isn't there, measure every row, and give the report. Raises PipelineError."""
    cores, load = pin(CORES), os.getloadavg()[0]
    made = corpus(cache, recipe, _say)
    _say(f"corpus: {made.directory}")
    with ExitStack() as stack:
        memory = stack.enter_context(PeakMemory())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=cache, prefix="archives-")))
        spark = spark_session("dmd-pipeline-bench", cores=cores, conf=_SETTINGS)
        signal.signal(signal.SIGINT, _interrupt)  # a starting SparkContext takes it for itself
        assert spark._jvm is not None, "a classic session has a JVM"
        workers = [stack.enter_context(Workers(name, cores)) for name in (COMMANDS if peers else ())]
        memory.apart = {pid: each.name for each in workers for pid in each.pids}
        rows = with_peers(spark_rows(spark, made), made, workers)
        passes = measure(rows, rounds, scratch, spark._jvm.java.lang.System.gc, _teller(made))
        facts = machine(spark)
    versions = {each.name: each.versions for each in workers}
    return report(Run(made, passes, memory.peaks, facts, (load, os.getloadavg()[0]), versions))


def _latest(options: argparse.Namespace, _file: Path) -> Figures:
    """Measure the latest-state tables. Raises PipelineError."""
    cores = pin(CORES)
    with tempfile.TemporaryDirectory(dir=options.cache, prefix="tables-") as scratch:
        spark = spark_session("dmd-pipeline-bench", cores=cores, conf=_MEMORY)
        signal.signal(signal.SIGINT, _interrupt)
        sizes = (options.records // 10, options.records)
        measured = measure_latest(spark, Path(scratch), sizes, _say)
        facts = machine(spark)
    return {"machine": facts, **latest_report(measured)}, [described(facts), "", *latest_lines(measured)]


def _streaming(options: argparse.Namespace, _file: Path) -> Figures:
    """Measure the job as a stream on an emulated Kinesis. Raises PipelineError."""
    cores, load = pin(CORES), os.getloadavg()[0]
    with ExitStack() as stack:
        scratch = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=options.cache, prefix="streaming-"))
        )
        aws = stack.enter_context(Emulator())
        os.environ.update(aws.environment())  # before Spark, whose processes take it over
        spark = spark_session("dmd-pipeline-bench", cores=cores, conf={**_MEMORY, **STREAMING})
        signal.signal(signal.SIGINT, _interrupt)
        figures = measure_streaming(spark, aws, scratch, sizes_for(options.events), _say)
        facts = machine(spark)
    told = [f"{described(facts)}, load {load:.1f} before", "", *streaming_lines(figures)]
    return {"machine": facts, "load": load, **figures}, told


def _scale_out(options: argparse.Namespace, _file: Path) -> Figures:
    """Measure the path on local clusters. Raises PipelineError."""
    cores, load = pin(CORES), os.getloadavg()[0]
    made = corpus(options.cache, options.recipe, _say)
    figures = scale_out_report(made, measure_scale_out(made, options.rounds, options.cache, _say))
    told = [f"{cores} of {os.cpu_count()} cores, load {load:.1f} before", "", *scale_out_lines(figures)]
    return {"cores": cores, "load": load, "events": made.events, **figures}, told


def _growth(options: argparse.Namespace, _file: Path) -> Figures:
    """Measure the path at two sizes. Raises PipelineError."""
    cores, load = pin(CORES), os.getloadavg()[0]
    measured = measure_growth(options.recipe, options.rows, cores, options.rounds, options.cache, _say)
    figures = growth_report(measured)
    told = [f"{cores} of {os.cpu_count()} cores, load {load:.1f} before", "", *growth_lines(figures)]
    return {"cores": cores, "load": load, **figures}, told


# What can be measured, by the name of its file of figures.
_WHATS: dict[str, Callable[[argparse.Namespace, Path], Figures]] = {
    "results": _rows,
    "streaming": _streaming,
    "latest": _latest,
    "scale-out": _scale_out,
    "growth": _growth,
}


def _teller(made: Corpus) -> Callable[[str, Pass], None]:
    def tell(what: str, one: Pass) -> None:
        _say(f"{what}: {made.events / one.seconds:,.0f} records/s ({one.seconds:.1f} s)")

    return tell


def _write(file: Path, measured: Report, told: Iterable[str]) -> None:
    file.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    print("\n".join(["", *told, f"all figures: {file}"]))


def _say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def _interrupt(_number: int, _frame: object) -> None:
    """Ctrl-C and SIGTERM end the benchmark so that nothing which it made for a while stays behind."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
