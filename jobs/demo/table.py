"""Plain text tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """The rows below their head, indented by two, columns as wide as their widest cell.

    Columns numbered in `left` are aligned to the left, the others, numbers, to the right.

    >>> for line in table(["type", "records"], [["demand", "12"], ["sale", "3"]]):
    ...     print(line)
      type    records
      demand       12
      sale          3
    """
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return [_line(line, widths, left) for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int], left: Collection[int]) -> str:
    columns = enumerate(zip(cells, widths, strict=True))
    return "  " + "  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in columns).rstrip()
