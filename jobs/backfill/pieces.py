"""How files become steps: each of a bounded number of bytes, the same at every start of a run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jobs.backfill.lines import Piece

MAX_PIECE_BYTES = 64 << 20
MAX_PIECES = 1000
GZIP_FACTOR = 8
"""JSON shrinks about so much; a gzip file's size counts so often."""


@dataclass(frozen=True)
class InputFile:
    """A file of the input: its key in the input's storage and its bytes there."""

    key: str
    size: int


def steps_of(files: Iterable[InputFile], step_bytes: int) -> Iterator[Sequence[Piece]]:
    """The pieces of each step: in the files' order, about ``step_bytes`` of JSON together or one gzip file.

    Every file is in a step, an empty one too.

    >>> [[piece.end for piece in step] for step in steps_of([InputFile("a", 25), InputFile("b", 4)], 10)]
    [[10], [20], [25, 4]]
    """
    step: list[Piece] = []
    weight = 0
    for piece in _pieces(files, step_bytes):
        size = _weight(piece)
        if step and (weight + size > step_bytes or len(step) == MAX_PIECES):
            yield step
            step, weight = [], 0
        step.append(piece)
        weight += size
    if step:
        yield step


def _pieces(files: Iterable[InputFile], step_bytes: int) -> Iterator[Piece]:
    limit = min(step_bytes, MAX_PIECE_BYTES)
    for file in files:
        whole = Piece(file.key, 0, file.size, file.size)
        if whole.is_gzip or file.size <= limit:
            yield whole
            continue
        for start in range(0, file.size, limit):
            yield Piece(file.key, start, min(start + limit, file.size), file.size)


def _weight(piece: Piece) -> int:
    return (piece.end - piece.start) * (GZIP_FACTOR if piece.is_gzip else 1)
