"""What runs in the tasks of a write: rows of outcomes in, stored objects out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from operator import itemgetter

import pyarrow as pa

from jobs.batch import Batch
from jobs.sinks.blocks import Group, runs
from jobs.sinks.codecs import Compress, compressor
from jobs.sinks.containers import ContainerLayout
from jobs.sinks.errors import ErrorLayout
from jobs.sinks.failures import BadOutcomes
from jobs.sinks.results import result_rows
from jobs.sinks.rolling import Layout, RollingObject
from jobs.sinks.storage import Storage
from jobs.sinks.store import Uploads, store


@dataclass(frozen=True)
class Assembly:
    """Everything a task has to know; an instance is what ``DataFrame.mapInArrow`` is given.

    ``schemas`` maps each record type to its schema's text; past ``max_bytes`` a group rolls into a further
    object.
    """

    batch: Batch
    storage: Storage
    schemas: Mapping[str, str]
    codec: str
    max_bytes: int

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Turn rows, sorted by group and in stream order, into stored objects.

        Columns in: as ``blocks.runs`` takes them. Rows out: one an object
        stored, with ``results.RESULT_SCHEMA``. At most one object is being built at any time. Raises
        ``BadOutcomes`` where the rows of a group are not together.
        """
        with Uploads(partial(store, self.storage, self.batch)) as uploads:
            self._assemble(batches, uploads)
            written = uploads.results()
        if written:
            yield result_rows(written)

    def _assemble(self, batches: Iterable[pa.RecordBatch], uploads: Uploads) -> None:
        compress = compressor(self.codec)
        seen: set[Group] = set()
        for group, pieces in groupby(chain.from_iterable(map(runs, batches)), key=itemgetter(0)):
            if group in seen:
                raise BadOutcomes("the rows of a group are not together: sort them by group first")
            seen.add(group)
            rolling = RollingObject(group, self._layout(group, compress), self.max_bytes, uploads.add)
            for _, bodies in pieces:
                rolling.add(bodies)
            rolling.close()

    def _layout(self, group: Group, compress: Compress) -> Layout:
        if group.message is not None:
            return ErrorLayout(self.batch, group.message)
        type, date = group.type, group.partition_date
        if type is None or type not in self.schemas or date is None:
            raise BadOutcomes(
                "an outcome is neither a record of a known type and a date nor an archive error"
            )
        return ContainerLayout(self.batch, type, date, self.schemas[type], self.codec, compress)
