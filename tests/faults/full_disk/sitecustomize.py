"""Python imports this at its start where PYTHONPATH leads here: while the file $FULL_DISK is there, the disk is full."""

import errno
import os


def _fsync_or_full(descriptor: int) -> None:
    if os.path.exists(os.environ["FULL_DISK"]):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    _fsync(descriptor)


_fsync = os.fsync
if "FULL_DISK" in os.environ:
    os.__dict__["fsync"] = _fsync_or_full
