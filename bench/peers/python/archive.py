"""The files: a container for each record type and partition date, an object for each message of archive errors."""

import base64
import json
import uuid
from pathlib import Path
from typing import Any, BinaryIO

from fastavro import parse_schema
from fastavro.write import Writer

from bench.peers.python.image import TYPES, Record, schema_of

_SCHEMAS = {type_: parse_schema(schema_of(type_)) for type_ in TYPES}
_CODEC, _LEVEL, _BLOCK_BYTES = "zstandard", 1, 256 * 1024


class Archive:
    """An archive below a directory while it is being written."""

    def __init__(self, directory: str, batch_time: str) -> None:
        self._root, self._time = Path(directory), batch_time
        self._containers: dict[tuple[str, str], Writer] = {}
        self._files: list[BinaryIO] = []
        self._errors: dict[str, list[str]] = {}
        self._count = 0

    def add(self, type_: str, date: str, record: Record) -> None:
        """Append a record to its container."""
        writer = self._containers.get((type_, date))
        if writer is None:
            writer = self._containers[type_, date] = self._open(type_, date)
        writer.write(record)
        self._count += 1

    def add_error(self, message: str, data: bytes) -> None:
        """Append an event to the archive error of its message."""
        text = base64.b64encode(data).decode() if "not UTF-8" in message else data.decode()
        self._errors.setdefault(message, []).append(text)

    def close(self) -> dict[str, int]:
        """Finish all files; how many change events were archived and how many failed."""
        for writer in self._containers.values():
            writer.flush()
        for file in self._files:
            file.close()
        for message, events in self._errors.items():
            content = {"timestamp": self._time, "error": {"message": message}, "events": events}
            self._new_file("errors", "json").write_text(json.dumps(content, ensure_ascii=False) + "\n")
        return {"archived": self._count, "failed": sum(map(len, self._errors.values()))}

    def _open(self, type_: str, date: str) -> Writer:
        file = self._new_file(f"data/{type_}/partition_date={date}", "avro").open("wb")
        self._files.append(file)
        options: Any = {"sync_interval": _BLOCK_BYTES, "compression_level": _LEVEL}
        return Writer(file, _SCHEMAS[type_], _CODEC, **options)

    def _new_file(self, folder: str, suffix: str) -> Path:
        """BR-013, BR-014."""
        directory = self._root / folder
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{self._time.replace(':', '-')}-{uuid.uuid4()}.{suffix}"
