"""Counts with their noun, for people."""


def plural(number: int, one: str, more: str = "") -> str:
    """``1 batch``, ``2,000 batches``; ``more`` where that is more than an s."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
