"""Python imports this at its start where PYTHONPATH leads here: while the file $FULL_DISK is there, the disk is full.

What says so first is what the file says: `fsync`, where a disk has taken the content into its memory, or `write`, which
takes a half of it. $FULL_DISK.cut is there once that has happened.
"""

import errno
import io
import os
from typing import Any


def _full_at() -> str:
    try:
        with _open(os.environ["FULL_DISK"]) as file:
            return str(file.read())
    except FileNotFoundError:
        return ""


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _fsync_or_full(descriptor: int) -> None:
    if _full_at() == "fsync" and _is_in_archive(descriptor):
        raise _no_space()
    _fsync(descriptor)


def _is_in_archive(descriptor: int) -> bool:
    """The checkpoint's files are synced before any object is written: a disk of their own has room."""
    path = f"/proc/self/fd/{descriptor}"
    return not os.path.exists(path) or "/archive/" in os.readlink(path)


class _Filling(io.FileIO):
    """A new file on that disk."""

    def write(self, content: Any) -> int:
        if _full_at() != "write":
            return super().write(content)
        if self.tell() or len(content) < 2:
            raise _no_space()
        with _open(f"{os.environ['FULL_DISK']}.cut", "w"):
            return super().write(memoryview(content)[: len(content) // 2])


def _open_or_full(file: Any, mode: str = "r", *others: Any, **named: Any) -> Any:
    if mode == "xb":
        return io.BufferedWriter(_Filling(file, "x"))
    return _open(file, mode, *others, **named)


_fsync, _open = os.fsync, io.open
if "FULL_DISK" in os.environ:
    os.__dict__["fsync"] = _fsync_or_full
    io.__dict__["open"] = _open_or_full
