"""``--from events``: raw change events as JSON lines."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from itertools import chain, islice
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.backfill.errors import BadInput
from jobs.backfill.lines import Piece
from jobs.backfill.options import Options
from jobs.backfill.pieces import Cut, InputFile, steps_of
from jobs.backfill.places import literal, matcher, open_place, parent, root_of, told_of_input
from jobs.backfill.reading import count_lines, event_rows, line_rows
from jobs.backfill.steps import Step, Work
from jobs.settings import Settings
from jobs.sinks.storage import Listed, Storage


def open_events(options: Options, settings: Settings, _archive: Storage) -> "Events":
    """The files that ``--input`` names. Raises ``BadInput`` where there are none."""
    path = options.input or ""
    with told_of_input(path):
        place, prefix, wanted = _place(path, settings)
        files = list(place.listed(wanted, prefix))
    if not files:
        raise BadInput(
            f"--input {path}: there are no files, or only such as are hidden by a name with . or _ in front"
        )
    return Events(place, tuple(files), options.step_bytes)


def _place(path: str, settings: Settings) -> tuple[Storage, str, Callable[[str], bool]]:
    """A storage, how the files begin that are meant, and which these are: those of a glob, a single one, or all."""
    root, pattern = root_of(path)
    if not pattern:
        folder, name = parent(path)
        place = open_place(folder, settings.archive) if name else None
        if place and place.exists(name):
            return place, name, name.__eq__
    return open_place(root, settings.archive), literal(pattern), matcher(pattern)


@dataclass(frozen=True)
class Events:
    """JSON lines in files; which files these are and what they hold makes the run, not where they are."""

    place: Storage
    files: Sequence[Listed]
    step_bytes: int
    kind = "backfill"
    renews = False
    lease = None

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """Names, sizes and versions of the files, by their digest."""
        listing = [[file.key, file.size, file.version] for file in self.files]
        return {
            "from": "events",
            "files": len(listing),
            "bytes": sum(file.size for file in self.files),
            "sha256": hashlib.sha256(json.dumps(listing).encode()).hexdigest(),
        }

    def total(self, _plan: Any) -> int:
        """How many files there are."""
        return len(self.files)

    def plan(self) -> Any:
        """How the files are cut into steps."""
        return asdict(Cut(self.step_bytes))

    def steps(self, work: Work) -> Iterator[Step]:
        """In the order of the files' names, all of them read to their end before the first step. Raises ``BadInput``."""
        files = (InputFile(file.key, file.size) for file in self.files)
        steps = list(steps_of(files, Cut(**work.plan)))
        counts = iter(count_lines(work.spark, self.place, list(chain.from_iterable(steps))))
        for pieces in steps:
            yield Step(
                source={"from": "events", "files": {piece.key: _told(of) for piece, of in _by_file(pieces)}},
                read=sum(islice(counts, len(pieces))),
                rows=partial(_rows, self.place, pieces),
                files=sum(piece.end == piece.size for piece in pieces),
            )


def _by_file(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, list[Piece]]]:
    of_key: dict[str, list[Piece]] = {}
    for piece in pieces:
        of_key.setdefault(piece.key, []).append(piece)
    return ((of[0], of) for of in of_key.values())


def _told(pieces: Sequence[Piece]) -> dict[str, int]:
    """The bytes of the file that the step read."""
    return {"start": pieces[0].start, "end": pieces[-1].end}


def _rows(place: Storage, pieces: Sequence[Piece], spark: SparkSession) -> DataFrame:
    return event_rows(line_rows(spark, place, pieces))
