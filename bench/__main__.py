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

from bench.corpus import Corpus, corpus
from bench.latest import latest_lines, latest_report, measure_latest
from bench.machine import described, machine, pin
from bench.peers.rows import with_peers
from bench.peers.workers import COMMANDS, Workers
from bench.plot import plot
from bench.processes import PeakMemory
from bench.report import Report, Run, lines, report
from bench.rounds import Pass, measure
from bench.rows import spark_rows
from bench.streaming.measure import measure_streaming, sizes_for, streaming_lines
from jobs.archive import STREAMING
from jobs.demo.emulator import Emulator
from jobs.errors import PipelineError
from jobs.log import configure_logging
from jobs.session import spark_session

CORES = 2
CACHE = Path(__file__).parent / ".cache"
_MEMORY = {"spark.driver.memory": "4g"}
_SETTINGS = {
    **_MEMORY,
    "spark.sql.adaptive.enabled": "false",  # as in a stream
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the JSON; 0 when done, 1 where something is wrong, 130 after Ctrl-C."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    configure_logging(sys.stderr, logging.WARNING)
    logging.disable(logging.ERROR)  # py4j prints a traceback of an interruption; errors are raised anyway
    try:
        if options.latest:
            _write(options.json or options.cache / "latest.json", *_latest(options.cache, options.records))
            return 0
        if options.streaming:
            _write(
                options.json or options.cache / "streaming.json", *_streaming(options.cache, options.events)
            )
            return 0
        measured = bench(options.cache, options.seed, options.events, options.rounds, options.peers)
        file = options.json or options.cache / "results.json"
        plot(measured, file.with_suffix(".svg"))
        _write(file, measured, [*lines(measured), f"drawn: {file.with_suffix('.svg')}"])
    except (PipelineError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    return 0


def bench(cache: Path, seed: int, events: int, rounds: int, peers: bool) -> Report:
    """Make the corpus where it isn't there, measure every row, and give the report. Raises PipelineError."""
    cores, load = pin(CORES), os.getloadavg()[0]
    made = corpus(cache, seed, events, _say)
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


def _latest(cache: Path, records: int) -> tuple[Report, Iterable[str]]:
    """Measure the latest-state tables. Raises PipelineError."""
    cores = pin(CORES)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="tables-") as scratch:
        spark = spark_session("dmd-pipeline-bench", cores=cores, conf=_MEMORY)
        signal.signal(signal.SIGINT, _interrupt)
        measured = measure_latest(spark, Path(scratch), (records // 10, records), _say)
        facts = machine(spark)
    return {"machine": facts, **latest_report(measured)}, [described(facts), "", *latest_lines(measured)]


def _streaming(cache: Path, events: int) -> tuple[Report, Iterable[str]]:
    """Measure the job as a stream on an emulated Kinesis. Raises PipelineError."""
    cores, load = pin(CORES), os.getloadavg()[0]
    cache.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=cache, prefix="streaming-")))
        aws = stack.enter_context(Emulator())
        os.environ.update(aws.environment())  # before Spark, whose processes take it over
        spark = spark_session("dmd-pipeline-bench", cores=cores, conf={**_MEMORY, **STREAMING})
        signal.signal(signal.SIGINT, _interrupt)
        figures = measure_streaming(spark, aws, scratch, sizes_for(events), _say)
        facts = machine(spark)
    told = [f"{described(facts)}, load {load:.1f} before", "", *streaming_lines(figures)]
    return {"machine": facts, "load": load, **figures}, told


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--events", type=_number, default=400_000, metavar="N", help="change events (default 400000)"
    )
    parser.add_argument(
        "--rounds", type=_number, default=3, metavar="N", help="warm rounds, after the cold one (default 3)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="another seed, another corpus (default 1)"
    )
    parser.add_argument(
        "--peers", action="store_true", help="measure hand-written workers on Node and on Python too"
    )
    parser.add_argument(
        "--streaming",
        action="store_true",
        help="measure the job as a stream, on an emulated Kinesis, instead",
    )
    parser.add_argument("--latest", action="store_true", help="measure the latest-state tables instead")
    parser.add_argument(
        "--records",
        type=_number,
        default=1_000_000,
        metavar="N",
        help="with --latest: records of the larger archive (default 1000000)",
    )
    parser.add_argument(
        "--json",
        type=_new_file,
        metavar="FILE",
        help="where the figures go (default results.json in the cache)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=CACHE,
        metavar="DIR",
        help="where corpora are kept (default bench/.cache)",
    )
    return parser.parse_args(arguments)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text}")
    return int(text)


def _new_file(text: str) -> Path:
    file = Path(text)
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {file.parent}")
    return file


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
