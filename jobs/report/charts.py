"""The report's charts, as Vega-Lite specifications.

Text and lines have the page's own colour, so that the charts follow it from light to dark; what is coloured can be told apart on
both.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from jobs.instants import from_iso, iso
from jobs.report.figures import Figures
from jobs.report.lags import Lag
from jobs.report.over_time import Stretch, stretches
from schemas import RECORD_TYPES

Spec = Mapping[str, Any]
MESSAGES, PARTITIONS, NAMED_DAYS = 7, 1000, 14
OTHERS = "other messages"
_COLOURS = ("#4c86c6", "#e8863a", "#3fa66b", "#c05a9d", "#8b7bd8", "#b3912f", "#d0605e", "#7f8a93")
_INK = "currentColor"


def charts(figures: Figures, lags: Sequence[Lag]) -> dict[str, Spec]:
    """Every chart that there is something for, by the name of its place on the page."""
    took = [(from_iso(one.time), one.seconds) for one in figures.batches if one.seconds is not None]
    made = {
        "archived": figures.archived and _per_day(figures.archived, "type", RECORD_TYPES, "records"),
        "failed": figures.failed and _per_day(most_common(figures.failed), "message", (), "change events"),
        "duration": took and _over_time(stretches(took), "seconds"),
        "lag": lags and _over_time(stretches(lags), "seconds"),
        "sizes": figures.partitions and _sizes(figures),
    }
    return {name: _finished(chart) for name, chart in made.items() if chart}


def most_common(failed: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """The failures with the most common messages by name, all others as one."""
    by_message: Counter[str] = Counter()
    for (_, message), count in failed.items():
        by_message[message] += count
    kept = {message for message, _ in by_message.most_common(MESSAGES)}
    found: Counter[tuple[str, str]] = Counter()
    for (day, message), count in failed.items():
        found[day, message if message in kept else OTHERS] += count
    return found


def messages(failed: Counter[tuple[str, str]]) -> list[str]:
    """The messages of failures in the order of their colours (:func:`colours`)."""
    return sorted({message for _, message in failed})


def colours(number: int) -> Sequence[str]:
    """The colours of so many things in a chart."""
    return _COLOURS[:number]


def _per_day(counts: Counter[tuple[str, str]], of: str, domain: Sequence[str], unit: str) -> Any:
    # A field of dates is a number to Vega: what people read is a field of its own.
    rows = [
        {"day": day, "date": day, of: name, "count": count} for (day, name), count in sorted(counts.items())
    ]
    # Few days are names; of more, labels would lie over labels.
    by_name = len({day for day, _ in counts}) <= NAMED_DAYS
    return (
        _chart(rows)
        .mark_bar()
        .encode(
            x=alt.X(
                "day:O" if by_name else "utcyearmonthdate(date):T", title=None, axis=alt.Axis(labelAngle=0)
            ),
            y=alt.Y("count:Q", title=unit, stack="zero", axis=alt.Axis(format="~s", tickMinStep=1)),
            color=_colour(of, domain or messages(counts)),
            tooltip=["day:N", f"{of}:N", alt.Tooltip("count:Q", title=unit, format=",")],
        )
    )


def _over_time(points: Sequence[Stretch], unit: str) -> Any:
    rows = [
        {
            "time": iso(one.start),
            "from": iso(one.start),
            "which": which,
            "value": round(value, 3),
            "batches": one.points,
        }
        for one in points
        for which, value in (("highest", one.highest), ("middle", one.median))
    ]
    return (
        _chart(rows)
        .mark_line(point=True)
        .encode(
            x=alt.X("time:T", title=None, scale=alt.Scale(type="utc")),
            y=alt.Y("value:Q", title=unit),
            color=_colour("which", ("middle", "highest")),
            tooltip=["from:N", "which:N", alt.Tooltip("value:Q", title=unit), "batches:Q"],
        )
    )


def _sizes(figures: Figures) -> Any:
    """A point per partition, of the ``PARTITIONS`` with the most containers: small files are high up on the left."""
    most = sorted(figures.partitions.items(), key=lambda one: (-one[1].containers, one[0]))[:PARTITIONS]
    rows = [
        {"type": type, "date": date, "containers": of.containers, "bytes": round(of.bytes / of.containers)}
        for (type, date), of in most
    ]
    return (
        _chart(rows)
        .mark_point(filled=True, size=40, opacity=0.75)
        .encode(
            x=alt.X("bytes:Q", title="bytes of a container, on average", **_log()),
            y=alt.Y("containers:Q", title="containers in the partition", **_log()),
            color=_colour("type", RECORD_TYPES),
            tooltip=["type:N", "date:N", "containers:Q", alt.Tooltip("bytes:Q", title="bytes on average", format=",")],
        )
    )  # fmt: skip


def _log() -> dict[str, Any]:
    return {"scale": alt.Scale(type="log", nice=True), "axis": alt.Axis(format="~s", tickCount=5)}


def _chart(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=rows), width="container", height=260)


def _colour(of: str, domain: Sequence[str]) -> alt.Color:
    # Messages are long: the page has them below the chart, where they can go on in a further line.
    legend = None if of == "message" else alt.Legend(title=None, orient="bottom", columns=4)
    scale = alt.Scale(domain=list(domain), range=list(colours(len(domain))))
    return alt.Color(f"{of}:N", scale=scale, legend=legend)


def _finished(chart: alt.Chart) -> Spec:
    lines = {
        "domainColor": _INK,
        "tickColor": _INK,
        "gridColor": _INK,
        "domainOpacity": 0.4,
        "gridOpacity": 0.12,
    }
    styled = (
        chart.configure(background="transparent", font="inherit")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK, titleColor=_INK, titleFontWeight="normal", labelOverlap=True, **lines
        )
        .configure_legend(labelColor=_INK, symbolType="square")
    )
    spec: Spec = styled.to_dict()
    return spec
