"""The figures as a picture: records per second of every row, from the slowest to the fastest round."""

from pathlib import Path
from typing import Any

import altair as alt


def plot(report: dict[str, Any], file: Path) -> None:
    """Draw the rows of a report (:func:`bench.report.report`) as SVG."""
    rows = [{"row": name, **row["recordsPerSecond"]} for name, row in report["rows"].items()]
    order = alt.Y("row:N", sort=[row["row"] for row in rows], title=None, axis=alt.Axis(labelLimit=300))
    # By the logarithm, because a copy is a hundred times as fast as what it is the limit of.
    speed = alt.X("median:Q", scale=alt.Scale(type="log"), title="records per second, min, median and max")
    chart = alt.Chart(alt.InlineData(values=rows), width=480)
    spread = chart.mark_rule().encode(x=alt.X("min:Q", title=""), x2="max:Q", y=order)
    (spread + chart.mark_point(filled=True, size=60).encode(x=speed, y=order)).save(str(file), format="svg")
