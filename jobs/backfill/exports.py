"""``--from export`` and ``--from incremental-export``: DynamoDB exports to S3."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.backfill.errors import BadInput
from jobs.backfill.export_events import changes, inserts
from jobs.backfill.export_files import check_files
from jobs.backfill.lines import Piece
from jobs.backfill.manifest import FULL, INCREMENTAL, SUMMARY, Manifest, read_manifest
from jobs.backfill.options import Options
from jobs.backfill.pieces import Cut, steps_of
from jobs.backfill.places import open_place, parent, told_of_input
from jobs.backfill.reading import event_rows, line_rows
from jobs.backfill.steps import Step, Work
from jobs.settings import Settings
from jobs.sinks.storage import Storage

_TYPES = {"export": FULL, "incremental-export": INCREMENTAL}
_KINDS = {type: kind for kind, type in _TYPES.items()}


def open_export(options: Options, settings: Settings, _archive: Storage) -> "Export":
    """The export in the folder that ``--input`` names. Raises ``BadInput`` where it isn't one of that type."""
    path = (options.input or "").rstrip("/").removesuffix(SUMMARY)
    root, folder = parent(path)
    with told_of_input(path):
        place = open_place(root, settings.archive)
        manifest = read_manifest(place, folder)
    if manifest.type != _TYPES[options.kind]:
        proper = _KINDS.get(manifest.type)
        raise BadInput(
            f"--input {path}: is a {manifest.type}: {f'use --from {proper}' if proper else 'it is not known'}"
        )
    return Export(options.kind, place, manifest, options.step_bytes)


@dataclass(frozen=True)
class Export:
    """An export: what its manifest says makes the run, not where it is."""

    type: str
    place: Storage
    manifest: Manifest
    step_bytes: int
    kind = "backfill"
    renews = False
    lease = None

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """The export's ARN and the digest of its list of files, which holds their checksums."""
        manifest = self.manifest
        return {"from": self.type, "exportArn": manifest.arn, "manifest": manifest.digest}

    def total(self, _plan: Any) -> int:
        """How many data files there are."""
        return len(self.manifest.files)

    def plan(self) -> Any:
        """How the files are cut into steps."""
        return asdict(Cut(self.step_bytes))

    def steps(self, work: Work) -> Iterator[Step]:
        """Data files in the order of their names, all of them checked before the first step. Raises ``BadInput``."""
        known = {file.key: file for file in self.manifest.files}
        checked = check_files(work.spark, self.place, self.manifest.files)
        for pieces in steps_of(checked, Cut(**work.plan)):
            files = [known[piece.key] for piece in pieces]
            yield Step(
                source={
                    "from": self.type,
                    "exportArn": self.manifest.arn,
                    "files": {file.name: file.items for file in files},
                },
                read=sum(file.items for file in files),
                rows=partial(self._rows, pieces),
                files=len(files),
            )

    def _rows(self, pieces: Sequence[Piece], spark: SparkSession) -> DataFrame:
        lines = line_rows(spark, self.place, pieces)
        made = inserts(lines, self.manifest.time_ms) if self.type == "export" else changes(lines)
        return event_rows(made)
