"""What a backfill holds in memory of its own, beside Spark's, doesn't grow with its input."""

import gzip
import tracemalloc
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.backfill.lines import Piece, read_lines
from jobs.sinks.storage import Storage, open_storage
from jobs.sources.kinesis.options import Limits
from tests.backfill.streaming import Archive
from tests.sources.conftest import fake
from tests.sources.fake_kinesis import FakeKinesis

__all__ = ["fake"]

MEGABYTE = 1 << 20
LINE = b'{"made up": "%s"}\n' % (b"x" * 1000)


def peak_over(storage: Storage, key: str) -> int:
    """Bytes that Python held at most while the file's lines were read, some at a time."""
    size = storage.size(key)
    tracemalloc.start()
    try:
        lines = sum(map(len, read_lines(storage, Piece(key, 0, size, size))))
        assert lines > 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_a_file_six_times_as_large_takes_no_more(name: str, tmp_path: Path) -> None:
    peaks = []
    for number, megabytes in enumerate((16, 96)):
        content = LINE * (megabytes * MEGABYTE // len(LINE))
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / name).write_bytes(
            gzip.compress(content, 1) if name.endswith(".gz") else content
        )
        del content
        peaks.append(peak_over(open_storage(str(tmp_path / str(number))), name))
    small, large = peaks
    assert large < small + 2 * MEGABYTE
    assert large < 32 * MEGABYTE


def test_of_a_stream_one_step_is_held_at_a_time(
    fake: FakeKinesis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.backfill.kinesis.Limits", partial(Limits, calls_per_second=1000))
    fake.put("shardId-000000000000", [b"x" * 20_000] * 400, age_seconds=3600)
    archive = Archive(tmp_path, max_records_per_batch=10)
    before, steps, held = pa.total_allocated_bytes(), 0, 0
    for step in archive.steps(archive.input()):
        steps += step.read == 10
        held = max(held, pa.total_allocated_bytes() - before)
    assert steps == 40
    assert 200_000 <= held < 1_000_000
