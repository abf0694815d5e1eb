"""What containers are like: their format, their compression, their size."""

from dataclasses import dataclass

from jobs.sinks.codecs import compressor
from jobs.sinks.failures import UnknownCodec
from jobs.sinks.parquet import COMPRESSION

MAX_CONTAINER_BYTES = 128 << 20


@dataclass(frozen=True)
class Containers:
    """How a batch's containers are made: ``archive.format``, ``archive.codec``, ``archive.max_container_bytes``."""

    format: str = "avro"
    codec: str = "zstandard"
    max_bytes: int = MAX_CONTAINER_BYTES

    def check(self) -> None:
        """Raise ``UnknownCodec`` where containers of this format can't be compressed so."""
        compressor(self.codec)
        if self.format == "parquet" and self.codec not in COMPRESSION:
            raise UnknownCodec(
                f"archive.codec {self.codec!r} is none of Parquet's: choose one of {', '.join(COMPRESSION)}"
            )


DEFAULT = Containers()
