"""`python -m jobs.demo`: the archive job at work on made-up change events, on this machine alone."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.demo.archive_copy import download, partitions, read_archive
from jobs.demo.emulator import Emulator
from jobs.demo.generator import events
from jobs.demo.output import fresh, show
from jobs.demo.publish import create_bucket, create_stream, publish, write_down
from jobs.demo.run_job import run_job, write_conf
from jobs.demo.summary import Run, problem, summary
from jobs.errors import PipelineError

OUTPUT = Path("demo-output")
STREAM, SHARDS, BUCKET, PREFIX, DATABASE = "fan-demand", 2, "demo-archive", "dmd", "dmd"
_JOB_SECONDS = 600


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 where the archive holds exactly what was published, 1 where not, 130 after Ctrl-C."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        output = fresh(OUTPUT)
        with Emulator() as aws:
            run = _run(aws, output, options.events, options.seed)
            lines = summary(run, str(output))
            (output / "summary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
            show(["", *lines])
            wrong = _tell_verdict(run)
            if options.keep:
                _keep(aws)
    except PipelineError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    return 1 if wrong else 0


def _run(aws: Emulator, output: Path, count: int, seed: int) -> Run:
    """Publish, archive, fetch."""
    _say(f"emulated AWS (Kinesis, S3, Glue) at {aws.url}")
    create_stream(aws, STREAM, SHARDS)
    create_bucket(aws, BUCKET)
    changes = list(events(seed, count))
    write_down(changes, output / "published.jsonl")
    _say(f"published {publish(aws, STREAM, changes):,} change events to the stream {STREAM}")
    conf = output / "archive.toml"
    write_conf(conf, STREAM, f"s3://{BUCKET}/{PREFIX}", (output / "checkpoint").resolve(), DATABASE)
    _say(f"running: python -m jobs.archive --conf {conf} --until-caught-up")
    start = time.monotonic()
    run_job(conf, output / "job.log", aws.environment(), _JOB_SECONDS, _say_batch)
    seconds = time.monotonic() - start
    download(aws, BUCKET, PREFIX, output / "archive")
    kinds = Counter(change.kind for change in changes)
    return Run(
        seed, STREAM, SHARDS, kinds, read_archive(output / "archive"), partitions(aws, DATABASE), seconds
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jobs.demo", description=__doc__)
    parser.add_argument(
        "--events", type=_count, default=5000, metavar="N", help="change events to publish (default 5000)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="another seed, other change events (default 1)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the emulated AWS running until Ctrl-C")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _keep(aws: Emulator) -> None:
    print(f"\nThe emulated AWS stays at {aws.url} until Ctrl-C; for its clients:")
    for name, value in aws.environment().items():
        if name.startswith("AWS_"):
            print(f"  export {name}={value}")
    sys.stdout.flush()
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


def _tell_verdict(run: Run) -> str:
    """Print whether the archive holds what was published; in one line why not, empty where it does."""
    wrong = problem(run)
    if wrong:
        print(f"demo: FAILED: {wrong}", file=sys.stderr)
    else:
        print(f"\n{_verdict(run)}")
    return wrong


def _verdict(run: Run) -> str:
    archive = run.archive
    return f"Every change event is accounted for: {run.published:,} published = {archive.archived:,} archived + {archive.failed:,} in archive errors."


def _say(text: str) -> None:
    print(f"· {text}", flush=True)


def _say_batch(batch: dict[str, Any]) -> None:
    archived, failed = (sum(batch[outcome].values()) for outcome in ("archived", "failed"))
    print(
        f"    batch {batch['batchId']}: {archived:,} archived, {failed:,} failed, {batch['objects']:,} objects",
        flush=True,
    )


def _interrupt(_number: int, _frame: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does, so nothing that it started stays behind."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
