"""Every data file of an export against its manifest, in Spark's tasks, before anything is written."""

import hashlib
import io
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from jobs.arrow import pa
from jobs.backfill.errors import BadInput
from jobs.backfill.lines import READ_BYTES, StoredFile, gzip_lines
from jobs.backfill.manifest import ExportFile
from jobs.backfill.pieces import InputFile
from jobs.backfill.reading import numbers, refuse
from jobs.sinks.failures import ObjectMissing
from jobs.sinks.storage import Storage

_DDL = "number bigint, size bigint, problem string"
_SCHEMA: Any = pa.schema([("number", pa.int64()), ("size", pa.int64()), ("problem", pa.string())])


def check_files(spark: SparkSession, storage: Storage, files: Sequence[ExportFile]) -> list[InputFile]:
    """The files with their sizes, in their order. Raises ``BadInput`` naming those that aren't as the manifest says."""
    if not files:
        return []
    checked = sorted(numbers(spark, len(files)).mapInArrow(FileCheck(storage, files), _DDL).collect())
    refuse([f"{files[row.number].name} {row.problem}" for row in checked if row.problem])
    return [InputFile(files[row.number].key, row.size) for row in checked]


@dataclass(frozen=True)
class FileCheck:
    """What ``DataFrame.mapInArrow`` is given: numbers of files in, their sizes and what is wrong with them out."""

    storage: Storage
    files: Sequence[ExportFile]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Column in: id bigint; out: ``_SCHEMA``, a row a file."""
        for batch in batches:
            for number in batch.column(0).to_pylist():
                row = {"number": number, **self._checked(self.files[number])}
                yield pa.RecordBatch.from_pylist([row], schema=_SCHEMA)

    def _checked(self, file: ExportFile) -> dict[str, Any]:
        try:
            size = self.storage.size(file.key)
        except ObjectMissing:
            return {"size": 0, "problem": "is missing"}
        return {"size": size, "problem": self._problem(file, size)}

    def _problem(self, file: ExportFile, size: int) -> str | None:
        md5 = hashlib.md5(usedforsecurity=False)
        stored: Any = io.BufferedReader(StoredFile(self.storage, file.key, size, told=md5.update), READ_BYTES)
        try:
            items = sum(map(len, gzip_lines(stored, file.key)))
        except BadInput:
            items = None
        while stored.read1(READ_BYTES):
            pass
        if b64encode(md5.digest()).decode() != file.md5:
            return "has another MD5 checksum"
        if items is None:
            return "is no whole gzip file"
        return None if items == file.items else f"holds {items} items instead of {file.items}"
