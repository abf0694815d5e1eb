"""Spark's checkpoint, as a person on call sees it and a crash leaves it."""

from pathlib import Path


def committed(checkpoint: Path) -> set[int]:
    """The batches that Spark has logged as done."""
    return _batches(checkpoint / "commits")


def logged(checkpoint: Path) -> set[int]:
    """The batches that Spark has logged as begun."""
    return _batches(checkpoint / "offsets")


def _batches(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir() if path.name.isdecimal()}


def forget_commit(checkpoint: Path, batch: int) -> None:
    """Makes the batch one that is replayed at the next start: its commit goes, and the checksum beside it."""
    for name in (str(batch), f".{batch}.crc"):
        (checkpoint / "commits" / name).unlink()
