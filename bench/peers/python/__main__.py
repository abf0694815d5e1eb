"""The process: :mod:`bench.peers.workers` says on standard input what to archive, and is answered on standard output."""

import gc
import json
import mmap
import os
import platform
import struct
import sys
from collections.abc import Iterator
from importlib.metadata import version

from bench.peers.python.archive import Archive
from bench.peers.python.image import Refused
from bench.peers.python.rules import archived

_HEADER = struct.Struct("<II")


def main() -> None:
    """Say what this is made of, then answer each line, a task, with a line of counts."""
    gc.disable()  # nothing here makes cycles
    made_of = ", ".join(f"{name} {version(name)}" for name in ("orjson", "fastavro"))
    print(json.dumps({"versions": f"Python {platform.python_version()}, {made_of}"}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        archive = Archive(task["directory"], task["batchTime"])
        for file in task["files"]:
            _archive(file, task["batchTime"], archive)
        print(json.dumps(archive.close()), flush=True)


def _archive(file: str, batch_time: str, archive: Archive) -> None:
    for sequence_number, data in _payloads(file):
        try:
            type_, date, record = archived(data, sequence_number, batch_time)
        except Refused as why:
            archive.add_error(str(why), data)
        else:
            archive.add(type_, date, record)


def _payloads(file: str) -> Iterator[tuple[str, bytes]]:
    """Sequence numbers and payloads, as :mod:`bench.peers.payloads` wrote them."""
    if not os.path.getsize(file):
        return
    with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position = 0
        while position < len(content):
            number_size, data_size = _HEADER.unpack_from(content, position)
            data_at = position + _HEADER.size + number_size
            position = data_at + data_size
            yield content[data_at - number_size : data_at].decode(), content[data_at:position]


if __name__ == "__main__":
    main()
