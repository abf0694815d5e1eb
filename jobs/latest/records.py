"""The records of containers, read by Spark's tasks: whatever holds the archive, no file system of Spark's is needed."""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import fastavro
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro

from jobs.arrow import pa
from jobs.containers import records_of, schema_text_of
from jobs.latest.failures import ContainerDiffers, ContainerOfNewerVersion
from jobs.sinks.storage import Storage
from jobs.sinks.windows import FETCHERS, windows
from schemas import RecordSchema

_A_BATCH = 8 << 20
_AN_ARRAY = 1000
_ARRAYS = pa.schema([("records", pa.binary())])


class _Named(NamedTuple):
    key: str
    bytes: int
    sha256: str


def records(containers: DataFrame, storage: Storage, schema: RecordSchema) -> DataFrame:
    """The records in containers (``CONTAINER_DDL``) of one type, with the columns that its schema says.

    Attributes that a container's own schema didn't have yet are null. Fails with ``ContainerDiffers`` or ``ObjectMissing``
    where a container isn't what its delivery record says, with ``ContainerOfNewerVersion`` where it has more attributes.
    """
    named = containers.select("key", "bytes", "sha256")
    arrays = named.mapInArrow(_Arrays(storage, schema.avro_text), "records binary")
    several = json.dumps({"type": "array", "items": schema.avro})
    return arrays.select(F.inline(from_avro("records", several, {"mode": "FAILFAST"})))


@dataclass(frozen=True)
class _Arrays:
    """Turns containers into Avro arrays of their records, in the schema ``avro_text``.

    A block of a container holds its datums one after the other, as an array does: only where the container has another
    schema, or is Parquet, its records are encoded anew.
    """

    storage: Storage
    avro_text: str

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        arrays: list[bytes] = []
        size = 0
        for array in self._arrays(_Named(**row) for batch in batches for row in batch.to_pylist()):
            arrays.append(array)
            size += len(array)
            if size > _A_BATCH:
                yield pa.record_batch([pa.array(arrays, pa.binary())], schema=_ARRAYS)
                arrays, size = [], 0
        yield pa.record_batch([pa.array(arrays, pa.binary())], schema=_ARRAYS)

    def _arrays(self, named: Iterable[_Named]) -> Iterator[bytes]:
        with ThreadPoolExecutor(FETCHERS) as fetchers:
            for window in windows(named):
                bodies = fetchers.map(self._fetch, window)
                for one, body in zip(window, bodies, strict=True):
                    yield from self._of_container(one.key, body)

    def _fetch(self, one: _Named) -> bytes:
        body = self.storage.get(one.key)
        if hashlib.sha256(body).hexdigest() != one.sha256:
            raise ContainerDiffers(
                f"{one.key} has other bytes than its delivery record says: jobs.verify tells what to do; where it can't be "
                "restored go on with --without and this key"
            )
        return body

    def _of_container(self, key: str, body: bytes) -> Iterator[bytes]:
        found = records_of(key, body)
        if found is None:
            raise ContainerDiffers(
                f"{key} is no container of a format that this version knows: take a newer one"
            )
        text = schema_text_of(key, body)
        if key.endswith(".avro") and text == self.avro_text:
            blocks: Any = fastavro.block_reader(io.BytesIO(body))
            return (_array(block.num_records, block.bytes_.read()) for block in blocks)
        # What it doesn't know the encoder below would drop, and no later pass looks at the container again.
        if unknown := names_in(text) - names_in(self.avro_text):
            raise ContainerOfNewerVersion(
                f"{key}: a newer version wrote this container, with {', '.join(sorted(unknown))}: run that one"
            )
        return self._encoded(found)

    def _encoded(self, found: Iterator[dict[str, Any]]) -> Iterator[bytes]:
        schema = fastavro.parse_schema(json.loads(self.avro_text))
        encoded, count = io.BytesIO(), 0
        for record in found:
            fastavro.schemaless_writer(encoded, schema, record)
            count += 1
            if count == _AN_ARRAY:
                yield _array(count, encoded.getvalue())
                encoded, count = io.BytesIO(), 0
        if count:
            yield _array(count, encoded.getvalue())


@lru_cache
def names_in(avro_text: str) -> frozenset[str]:
    """Names of all attributes in an Avro schema, those within others after theirs.

    >>> inner = {"type": "record", "name": "R", "fields": [{"name": "b", "type": "int"}]}
    >>> fields = [{"name": "a", "type": ["null", {"type": "array", "items": inner}]}, {"name": "c", "type": "int"}]
    >>> sorted(names_in(json.dumps({"type": "record", "name": "S", "fields": fields})))
    ['a', 'a.b', 'c']
    """
    return frozenset(_names(json.loads(avro_text)))


def _names(of: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(of, list):
        for branch in of:
            yield from _names(branch, prefix)
    elif isinstance(of, dict):
        for field in of.get("fields", ()):
            yield f"{prefix}{field['name']}"
            yield from _names(field["type"], f"{prefix}{field['name']}.")
        for inner in ("type", "items", "values"):
            yield from _names(of.get(inner), prefix)


def _array(count: int, datums: bytes) -> bytes:
    r"""The Avro array of so many datums: its length, they themselves, the length 0 of the next part.

    >>> _array(64, b"datums")
    b'\x80\x01datums\x00'
    """
    length = count << 1  # zigzag
    prefix = bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + datums + b"\x00"
