"""The corpus as the peers read it: a file for each shard, in stream order."""

import struct
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq

from bench.corpus import Corpus

_HEADER = struct.Struct("<II")
_NAME = "_payloads"  # Spark passes over names that start so


def payloads(corpus: Corpus) -> list[Path]:
    """The files, made beside the corpus where they aren't there.

    One has for each record the sizes of its sequence number and of its payload, as little-endian 32 bits each, and then
    both: payloads may hold line breaks.
    """
    directory = corpus.directory / _NAME
    if not directory.exists():
        with tempfile.TemporaryDirectory(dir=corpus.directory, prefix="_making-") as aside:
            made = Path(aside, _NAME)
            made.mkdir()
            _make(corpus, made)
            made.rename(directory)
    return sorted(directory.iterdir())


def _make(corpus: Corpus, directory: Path) -> None:
    opened: dict[str, BinaryIO] = {}
    with ExitStack() as files:
        for parquet in sorted(corpus.directory.glob("*.parquet")):
            columns = pq.read_table(parquet).to_pydict()
            for shard, number, data in zip(
                columns["shardId"], columns["sequenceNumber"], columns["data"], strict=True
            ):
                if shard not in opened:
                    opened[shard] = files.enter_context((directory / shard).open("wb"))
                opened[shard].write(_HEADER.pack(len(number), len(data)) + number.encode() + data)
