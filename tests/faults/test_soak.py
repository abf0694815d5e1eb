"""Many micro-batches in one run: memory, open files and the checkpoint stay as they are after the warm-up."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from jobs.demo.emulator import Emulator
from jobs.demo.generator import events
from tests.faults.ledgers import entries
from tests.faults.long import LONG, SECONDS
from tests.faults.processes import Process, open_files, resident_bytes, tree
from tests.figures import NAME
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job, Running
from tests.jobs.ledger import Entry
from tests.sources.fake_kinesis import STREAM, FakeKinesis

BATCHES, A_BATCH = (int(os.environ.get("SOAK_BATCHES", "1000")) if LONG else 30), 12
WARM = BATCHES // 5 if LONG else BATCHES // 2
# The first samples after the warm-up are compared with the last: so a leak shows in all that it makes in between.
EVERY, COMPARED = (2, 25) if LONG else (1, 5)
# Of what was there; in a few batches Java still compiles and fills its caches, and few collections fall between two batches.
GROWTH = {
    "driver": 0.10,
    "java": 0.10 if LONG else 0.30,
    "heap": 0.10 if LONG else 0.50,
    "workers": 0.10,
}
# Spark keeps the offsets and commits of 100 batches; a short run is told to keep fewer, or nothing would be removed in it.
RETAINED = 100 if LONG else 5
# A file each, and its checksum.
KEPT_FILES = 2 * 2 * (RETAINED + 1) + 20
MIB = 1 << 20
HEAP = 512 * MIB
KINDS = tuple(GROWTH)
PREFIX, DATABASE = "soak/", "dmd_soak"

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Sample:
    """What the job's processes hold after so many batches: bytes by kind, and open files of all.

    ``java`` is what the JVM holds beside its heap, which is taken whole at its start; ``heap`` is what of that a full
    collection left.
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
    conf = {"spark.cleaner.periodicGC.interval": every, "spark.sql.streaming.minBatchesToRetain": RETAINED}
    settings = " ".join(f"--conf {name}={value}" for name, value in conf.items())
    heap = f"-Xms{HEAP} -Xmx{HEAP} -XX:+AlwaysPreTouch"
    return {
        "_JAVA_OPTIONS": f"{heap} -Xlog:gc:file={directory}/gc-%p.log",
        "PYSPARK_SUBMIT_ARGS": f"{settings} pyspark-shell",
        **({"SPARK_SUBMIT_OPTS": ""} if LONG else {}),
    }


@pytest.fixture(scope="module")
def story(job: Callable[..., Job], aws: Emulator, bucket: Callable[[], str]) -> Story:
    fake, name = FakeKinesis(), bucket()
    shard = fake.add_shard(0)
    fake.put(shard, [change.data for change in events(151, BATCHES * A_BATCH)])
    samples: list[Sample] = []
    with fake.serving() as kinesis:
        environment = {**aws.environment(), "AWS_ENDPOINT_URL_KINESIS": kinesis.url}
        archive = {"uri": f"s3://{name}/{PREFIX}", "database": DATABASE}
        archiving = job(STREAM, environment, max_records_per_batch=A_BATCH, **archive)
        directory = archiving.directory
        with archiving.started("--until-caught-up", **java(directory)) as running:
            for due in range(EVERY, BATCHES - 1, EVERY):
                running.wait_for(lambda due=due: done(running) >= due, SECONDS)  # type: ignore[misc]
                samples.append(sample(running, directory))
                if due % (10 * EVERY) == 0:
                    say(samples[-1])
            last = running.end(None, SECONDS)
    checkpoint = [path for path in (directory / "checkpoint").rglob("*") if path.is_file()]
    archived = Archived.in_bucket(aws.client("s3"), name, PREFIX)
    return Story(samples, last, archived, entries(fake), checkpoint)


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
            memory[kind] -= HEAP
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
def test_memory_is_flat_after_the_warm_up(
    story: Story, kind: str, record_property: Callable[[str, object], None]
) -> None:
    first, last = compared(story.samples, lambda each: each.memory[kind])
    change = f"{first / MIB:.1f} -> {last / MIB:.1f} MiB ({last / first - 1:+.1%})"
    record_property(NAME, f"{kind}, batch {WARM} to {BATCHES}: {change}")
    assert 0 < last < first * (1 + GROWTH[kind]), change


def test_open_files_are_flat_after_the_warm_up(
    story: Story, record_property: Callable[[str, object], None]
) -> None:
    first, last = compared(story.samples, lambda each: each.files)
    record_property(NAME, f"open files, batch {WARM} to {BATCHES}: {first:.0f} -> {last:.0f}")
    assert last <= first * 1.02 + 5


def test_the_checkpoint_is_bounded(story: Story, record_property: Callable[[str, object], None]) -> None:
    size = sum(path.stat().st_size for path in story.checkpoint)
    record_property(
        NAME, f"checkpoint after {BATCHES} batches: {size / MIB:.2f} MiB in {len(story.checkpoint)} files"
    )
    assert RETAINED < len(story.checkpoint) <= KEPT_FILES
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
