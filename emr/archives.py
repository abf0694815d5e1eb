"""Archives that are the same bytes whenever they are made from the same files."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
LEVEL = 6
_EXECUTABLE = 0o755
_PLAIN = 0o644


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, by the names they get in it; stored as they are, so that no zlib has a say in its bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _PLAIN << 16
            entry.create_system = 3  # Unix, on whatever it is made
            target.writestr(entry, files[name])
    return buffer.getvalue()


def write_tar_gz(path: Path, files: Mapping[str, Path]) -> None:
    """A compressed tar of these files, by the names they get in it: no times, no owners, sorted.

    The same zlib makes the same bytes of it; another may compress the same tar otherwise.
    """
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=LEVEL) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as target,
    ):
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = files[name].stat().st_size
            entry.mode = _EXECUTABLE if files[name].stat().st_mode & 0o100 else _PLAIN
            with files[name].open("rb") as content:
                target.addfile(entry, content)
