"""Files cut into pieces: every line is read once, wherever the cuts are."""

import random
from pathlib import Path

import pytest

from jobs.backfill import lines as reading
from jobs.backfill.errors import BadInput
from jobs.backfill.lines import Piece, read_lines
from jobs.backfill.pieces import Cut, InputFile, steps_of
from jobs.sinks.storage import open_storage


def test_every_line_is_in_exactly_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    place = open_storage(str(tmp_path))
    for trial in range(200):
        lines = [bytes([97 + rng.randrange(26)]) * rng.randrange(12) for _ in range(rng.randrange(20))]
        text = (b"\r\n" if trial % 2 else b"\n").join(lines) + rng.choice([b"", b"\n"])
        (tmp_path / "file").write_bytes(text)
        monkeypatch.setattr(reading, "READ_BYTES", rng.choice([3, 7, 64]))
        monkeypatch.setattr(reading, "CHUNK_BYTES", rng.choice([1, 2, 5, 100]))
        steps = steps_of([InputFile("file", len(text))], Cut(rng.choice([1, 2, 3, 7, 50, 1000])))
        found = [
            line for step in steps for piece in step for some in read_lines(place, piece) for line in some
        ]
        assert found == [line for line in lines if line]


def test_a_file_without_lines_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_LINE_BYTES", 3 << 20)
    (tmp_path / "disk.img").write_bytes(b"\1" * (8 << 20))
    with pytest.raises(BadInput, match=r"disk.img has a line of more than 3 MiB"):
        list(read_lines(open_storage(str(tmp_path)), Piece("disk.img", 0, 8 << 20, 8 << 20)))


def test_a_step_holds_a_bounded_number_of_bytes_and_files() -> None:
    files = [InputFile(f"{number}.gz", 10) for number in range(2500)]
    assert [len(step) for step in steps_of(files, Cut(1 << 40))] == [1000, 1000, 500]
    assert [len(step) for step in steps_of(files[:5], Cut(160))] == [2, 2, 1]
    assert [len(step) for step in steps_of(files[:3], Cut(1))] == [1, 1, 1]
