"""Many micro-batches in one run: memory, open files and the checkpoint stay as they are after the warm-up."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.demo.generator import events
from tests.faults.long import LONG, SECONDS
from tests.faults.processes import Process, open_files, resident_bytes, tree
from tests.jobs.archived import Archived
from tests.jobs.job import Finished, Job, Running
from tests.sources.fake_kinesis import STREAM, FakeKinesis

BATCHES, A_BATCH = (int(os.environ.get("SOAK_BATCHES", "1000")) if LONG else 20), 12
WARM = BATCHES // 2
SAMPLES = 10 if LONG else 5
GROWTH = 0.10
# Spark keeps the offsets and commits of 100 batches; a file each, and its checksum.
KEPT_FILES = 2 * 2 * 101 + 20
# All of the heap from the beginning, so that what the JVM holds beside it can be seen to grow; _JAVA_OPTIONS wins.
_JAVA = {
    "_JAVA_OPTIONS": "-Xms512m -Xmx512m -XX:+AlwaysPreTouch",
    **({"SPARK_SUBMIT_OPTS": ""} if LONG else {}),
}
MIB = 1 << 20
KINDS = ("driver", "java", "workers")

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Sample:
    """What the job's processes hold after so many batches: bytes by kind of process, and open files of all."""

    batches: int
    memory: dict[str, int]
    files: int


@dataclass(frozen=True)
class Story:
    """Samples after the warm-up, and the end."""

    samples: list[Sample]
    last: Finished
    archive: Archived
    records: int
    checkpoint: list[Path]


@pytest.fixture(scope="module")
def story(job: Callable[..., Job]) -> Story:
    fake = FakeKinesis()
    shard = fake.add_shard(0)
    records = BATCHES * A_BATCH
    fake.put(shard, [change.data for change in events(151, records)])
    step, samples = (BATCHES - WARM) // SAMPLES, []
    with fake.serving() as kinesis:
        archiving = job(STREAM, kinesis.environment, max_records_per_batch=A_BATCH)
        with archiving.started("--until-caught-up", **_JAVA) as running:
            for due in range(WARM, BATCHES, step):
                running.wait_for(lambda due=due: done(running) >= due, SECONDS)  # type: ignore[misc]
                samples.append(sample(running, done(running)))
            last = running.end(None, SECONDS)
    for each in samples:
        figures = {kind: f"{size // MIB} MiB" for kind, size in each.memory.items()}
        print(json.dumps({"batches": each.batches, **figures, "files": each.files}))  # noqa: T201 - the figures
    checkpoint = [path for path in (archiving.directory / "checkpoint").rglob("*") if path.is_file()]
    return Story(samples, last, Archived.in_directory(archiving.directory / "archive"), records, checkpoint)


def done(running: Running) -> int:
    return running.out.read_bytes().count(b'"event": "batch"')


def sample(running: Running, batches: int) -> Sample:
    memory, files = dict.fromkeys(KINDS, 0), 0
    for process in tree(running.process.pid):
        kind = kind_of(process, running.process.pid)
        if kind is not None:
            memory[kind] += resident_bytes(process.pid)
            files += open_files(process.pid)
    return Sample(batches, memory, files)


def kind_of(process: Process, driver: int) -> str | None:
    """None of what Java forks for an instant, to look at a file's mode for example."""
    if process.pid == driver:
        return "driver"
    if "SparkSubmit" in process.command:
        return "java" if process.parent == driver else None
    return "workers" if "pyspark" in process.command else None


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_flat_after_the_warm_up(story: Story, kind: str) -> None:
    """The later half of the samples against the earlier half: one sample may catch a passing peak."""
    sizes = [each.memory[kind] for each in story.samples]
    half = len(sizes) // 2
    earlier, later = min(sizes[:half]), min(sizes[half:])
    assert later < earlier * (1 + GROWTH), f"{earlier // MIB} MiB grew to {later // MIB} MiB"


def test_open_files_are_flat_after_the_warm_up(story: Story) -> None:
    counts = [each.files for each in story.samples]
    half = len(counts) // 2
    assert min(counts[half:]) <= min(counts[:half]) * 1.02 + 5, counts


def test_the_checkpoint_is_bounded(story: Story) -> None:
    assert len(story.checkpoint) <= KEPT_FILES
    assert sum(path.stat().st_size for path in story.checkpoint) < MIB


def test_every_change_event_is_archived_exactly_once(story: Story) -> None:
    assert story.last.code == 0, story.last.err
    story.archive.is_sound()
    assert sum(record["counts"]["read"] for record in story.archive.records) == story.records
    assert len(story.archive.records) >= BATCHES
