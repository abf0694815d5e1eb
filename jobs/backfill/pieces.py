"""How files become steps: each of a bounded number of bytes, the same at every start of a run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jobs.backfill.lines import Piece


@dataclass(frozen=True)
class Cut:
    """How files are cut into steps; a run keeps to the one that it began with, whatever a later start or version would take.

    ``step_bytes`` of JSON are a step, or ``pieces`` of at most ``piece_bytes`` each. JSON shrinks about so much as
    ``gzip_factor`` says: a gzip file's size counts so often.
    """

    step_bytes: int
    piece_bytes: int = 64 << 20
    pieces: int = 1000
    gzip_factor: int = 8


@dataclass(frozen=True)
class InputFile:
    """A file of the input: its key in the input's storage and its bytes there."""

    key: str
    size: int


def steps_of(files: Iterable[InputFile], cut: Cut) -> Iterator[Sequence[Piece]]:
    """The pieces of each step: in the files' order, about so much JSON together as the cut says, or one gzip file.

    Every file is in a step, an empty one too.

    >>> [[piece.end for piece in step] for step in steps_of([InputFile("a", 25), InputFile("b", 4)], Cut(10))]
    [[10], [20], [25, 4]]
    """
    step: list[Piece] = []
    weight = 0
    for piece in _pieces(files, cut):
        size = (piece.end - piece.start) * (cut.gzip_factor if piece.is_gzip else 1)
        if step and (weight + size > cut.step_bytes or len(step) == cut.pieces):
            yield step
            step, weight = [], 0
        step.append(piece)
        weight += size
    if step:
        yield step


def _pieces(files: Iterable[InputFile], cut: Cut) -> Iterator[Piece]:
    limit = min(cut.step_bytes, cut.piece_bytes)
    for file in files:
        whole = Piece(file.key, 0, file.size, file.size)
        if whole.is_gzip or file.size <= limit:
            yield whole
            continue
        for start in range(0, file.size, limit):
            yield Piece(file.key, start, min(start + limit, file.size), file.size)
