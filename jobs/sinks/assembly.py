"""What runs in the tasks of a write: rows of outcomes in, stored objects out."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from operator import itemgetter

import pyarrow as pa

from jobs.batch import Batch
from jobs.errors import PipelineError
from jobs.sinks.blocks import Group, runs
from jobs.sinks.codecs import Compress, compressor
from jobs.sinks.containers import ContainerLayout
from jobs.sinks.errors import ErrorLayout
from jobs.sinks.failures import BadOutcomes
from jobs.sinks.formats import Containers
from jobs.sinks.parquet import ParquetLayout, RollingParquet
from jobs.sinks.results import failure_row, result_rows
from jobs.sinks.rolling import FinishedObject, Rolling, RollingObject
from jobs.sinks.storage import Storage
from jobs.sinks.store import Uploads, store


@dataclass(frozen=True)
class Assembly:
    """Everything a task has to know; an instance is what ``DataFrame.mapInArrow`` is given.

    ``schemas`` maps each record type to its schema's text; past ``containers.max_bytes`` a group rolls into a further
    object.
    """

    batch: Batch
    storage: Storage
    schemas: Mapping[str, str]
    containers: Containers

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Turn rows, sorted by group and in stream order, into stored objects.

        Columns in: as ``blocks.runs`` takes them; body and withoutSystem; for Parquet ``body`` is only an archive
        error's, and there is ``size int``, how many bytes the record's datum has, and a column per record type, a
        struct of the record's attributes. Rows out: one an object stored, with ``results.RESULT_SCHEMA``, or one that says
        what stopped the task. At most one object is being built at any time.
        """
        try:
            with Uploads(partial(store, self.storage, self.batch)) as uploads:
                self._assemble(batches, uploads)
                written = uploads.results()
        except PipelineError as error:
            # Raised, it would have a cluster try the task four times, each as often as conf allows. What crashes still is.
            deque(batches, maxlen=0)
            yield failure_row(error)
            return
        if written:
            yield result_rows(written)

    def _assemble(self, batches: Iterable[pa.RecordBatch], uploads: Uploads) -> None:
        compress = compressor(self.containers.codec)
        seen: set[Group] = set()
        for group, pieces in groupby(chain.from_iterable(map(runs, batches)), key=itemgetter(0)):
            if group in seen:
                raise BadOutcomes("the rows of a group are not together: sort them by group first")
            seen.add(group)
            rolling = self._rolling(group, compress, uploads.add)
            for _, rows in pieces:
                rolling.add(rows)
            rolling.close()

    def _rolling(self, group: Group, compress: Compress, done: Callable[[FinishedObject], None]) -> Rolling:
        max_bytes = self.containers.max_bytes
        if group.message is not None:
            return RollingObject(group, ErrorLayout(self.batch, group.message), max_bytes, done)
        type, date, codec = group.type, group.partition_date, self.containers.codec
        if type is None or type not in self.schemas or date is None:
            raise BadOutcomes(
                "an outcome is neither a record of a known type and a date nor an archive error"
            )
        if self.containers.format == "parquet":
            parquet = ParquetLayout(self.batch, type, date, self.schemas[type], codec)
            return RollingParquet(group, parquet, max_bytes, done)
        layout = ContainerLayout(self.batch, type, date, self.schemas[type], codec, compress)
        return RollingObject(group, layout, max_bytes, done)
