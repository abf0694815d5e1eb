"""Many micro-batches in one run: memory, open files and the checkpoint stay as they are after the warm-up."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from jobs.demo.generator import events
from tests.faults.ledgers import entries
from tests.faults.long import LONG, SECONDS
from tests.faults.processes import Process, open_files, resident_bytes, tree
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job, Running
from tests.jobs.ledger import Entry
from tests.sources.fake_kinesis import STREAM, FakeKinesis

BATCHES, A_BATCH = (int(os.environ.get("SOAK_BATCHES", "1000")) if LONG else 20), 12
WARM = BATCHES // 5 if LONG else BATCHES // 2
# The first samples after the warm-up are compared with the last: so a leak shows in all that it makes in between.
EVERY, COMPARED = (2, 25) if LONG else (1, 3)
# Of what was there; in a few batches a heap still fills its caches, and few collections fall between two batches.
GROWTH = {"driver": 0.10, "java": 0.10, "heap": 0.10 if LONG else 0.50, "workers": 0.10}
# Spark keeps the offsets and commits of 100 batches; a file each, and its checksum.
KEPT_FILES = 2 * 2 * 101 + 20
MIB = 1 << 20
KINDS = tuple(GROWTH)

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Sample:
    """What the job's processes hold after so many batches: bytes by kind, and open files of all.

    ``java`` is all that the JVM holds; its heap is taken whole at its start, so ``java`` grows by what is beside it.
    ``heap`` is what of the heap a full collection left.
    """

    batches: int
    memory: dict[str, int]
    files: int


@dataclass(frozen=True)
class Story:
    """Samples from the beginning, and the end."""

    samples: list[Sample]
    last: Finished
    archive: Archived
    ledger: list[Entry]
    checkpoint: list[Path]


def java(directory: Path) -> dict[str, str]:
    """The environment in which heap and the rest of the JVM can each be seen to grow; ``_JAVA_OPTIONS`` wins."""
    every = "10s" if LONG else "2s"
    return {
        "_JAVA_OPTIONS": f"-Xms512m -Xmx512m -XX:+AlwaysPreTouch -Xlog:gc:file={directory}/gc-%p.log",
        "PYSPARK_SUBMIT_ARGS": f"--conf spark.cleaner.periodicGC.interval={every} pyspark-shell",
        **({"SPARK_SUBMIT_OPTS": ""} if LONG else {}),
    }


@pytest.fixture(scope="module")
def story(job: Callable[..., Job]) -> Story:
    fake = FakeKinesis()
    shard = fake.add_shard(0)
    fake.put(shard, [change.data for change in events(151, BATCHES * A_BATCH)])
    samples: list[Sample] = []
    with fake.serving() as kinesis:
        archiving = job(STREAM, kinesis.environment, max_records_per_batch=A_BATCH)
        directory = archiving.directory
        with archiving.started("--until-caught-up", **java(directory)) as running:
            for due in range(EVERY, BATCHES - 1, EVERY):
                running.wait_for(lambda due=due: done(running) >= due, SECONDS)  # type: ignore[misc]
                samples.append(sample(running, directory))
                if due % (10 * EVERY) == 0:
                    say(samples[-1])
            last = running.end(None, SECONDS)
    checkpoint = [path for path in (directory / "checkpoint").rglob("*") if path.is_file()]
    return Story(samples, last, Archived.in_directory(directory / "archive"), entries(fake), checkpoint)


def say(taken: Sample) -> None:
    """Print the figures."""
    memory = {kind: f"{size / MIB:.1f} MiB" for kind, size in taken.memory.items()}
    print(json.dumps({"batches": taken.batches, **memory, "files": taken.files}), flush=True)  # noqa: T201


def done(running: Running) -> int:
    return running.out.read_bytes().count(b'"event": "batch"')


def sample(running: Running, directory: Path) -> Sample:
    memory, files = dict.fromkeys(KINDS, 0), 0
    for process in tree(running.process.pid):
        kind = kind_of(process, running.process.pid)
        if kind is None:
            continue
        try:
            memory[kind] += resident_bytes(process.pid)
            files += open_files(process.pid)
        except FileNotFoundError:  # it has ended since
            continue
        if kind == "java":
            memory["heap"] = live_heap(directory / f"gc-{process.pid}.log")
    return Sample(done(running), memory, files)


def live_heap(log: Path) -> int:
    """The bytes that the last full collection left, by the JVM's log of its collections."""
    left = re.findall(r"Pause Full .*->(\d+)M", log.read_text())
    assert left, "no full collection was logged"
    return int(left[-1]) * MIB


def kind_of(process: Process, driver: int) -> str | None:
    """None of what Java forks for an instant, to look at a file's mode for example."""
    if process.pid == driver:
        return "driver"
    if "SparkSubmit" in process.command:
        return "java" if process.parent == driver else None
    return "workers" if "pyspark" in process.command else None


def compared(samples: list[Sample], figure: Callable[[Sample], int]) -> tuple[float, float]:
    """The medians of the first and of the last samples: one sample alone may catch a passing peak."""
    figures = [figure(each) for each in samples if each.batches >= WARM]
    return median(figures[:COMPARED]), median(figures[-COMPARED:])


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_flat_after_the_warm_up(story: Story, kind: str) -> None:
    first, last = compared(story.samples, lambda each: each.memory[kind])
    assert 0 < last < first * (1 + GROWTH[kind]), f"{first / MIB:.1f} MiB grew to {last / MIB:.1f} MiB"


def test_open_files_are_flat_after_the_warm_up(story: Story) -> None:
    first, last = compared(story.samples, lambda each: each.files)
    assert last <= first * 1.02 + 5


def test_the_checkpoint_is_bounded(story: Story) -> None:
    assert len(story.checkpoint) <= KEPT_FILES
    size = sum(path.stat().st_size for path in story.checkpoint)
    print(json.dumps({"checkpoint": f"{size / MIB:.2f} MiB", "files": len(story.checkpoint)}))  # noqa: T201
    assert size < MIB


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    assert story.last.code == 0, story.last.err
    story.archive.holds(story.ledger)
    assert len(story.archive.records) >= BATCHES


def test_a_steady_leak_is_seen() -> None:
    """A fifth more, batch by batch, from the warm-up to the end."""
    due = range(WARM, BATCHES, EVERY)
    leak = [Sample(batches, {}, round(1000 * (1 + 0.2 * n / len(due)))) for n, batches in enumerate(due)]
    first, last = compared(leak, lambda each: each.files)
    assert last > first * 1.10
