"""Containers of either format, read back record by record."""

import io
from collections.abc import Iterator
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

Record = dict[str, Any]
ENDINGS = (".avro", ".parquet")
"""How the keys of containers end."""
_ROWS = 4096


def records_of(key: str, body: bytes) -> Iterator[Record] | None:
    """The records of the container that is at ``key``, None where the key's ending is no container's.

    Avro is read by fastavro, which shares nothing with our writer; Parquet by the library that also writes it. The
    iterator raises whatever these make of a damaged container.
    """
    if key.endswith(".avro"):
        return _avro(body)
    if key.endswith(".parquet"):
        return _parquet(body)
    return None


def schema_text_of(key: str, body: bytes) -> str:
    """The Avro schema that the container at ``key`` says its records have, which it does in either format."""
    if key.endswith(".avro"):
        avro: Any = fastavro.block_reader(io.BytesIO(body))
        return str(avro.metadata["avro.schema"])
    return bytes(pq.read_metadata(pa.BufferReader(body)).metadata[b"avro.schema"]).decode()


def _avro(body: bytes) -> Iterator[Record]:
    for record in fastavro.reader(io.BytesIO(body)):
        assert isinstance(record, dict)
        yield record


def _parquet(body: bytes) -> Iterator[Record]:
    for rows in pq.ParquetFile(pa.BufferReader(body)).iter_batches(_ROWS):
        yield from rows.to_pylist(maps_as_pydicts="strict")
