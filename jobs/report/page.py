"""The report as one HTML page that needs nothing else: no network, no file beside it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

from jobs.report.charts import PARTITIONS, Spec, colours, messages, most_common
from jobs.report.figures import Figures, OpenErrors

BATCHES, WORST, SHOWN = 12, 12, 12
Row = Sequence[object]


def page(title: str, figures: Figures, specs: Mapping[str, Spec], scripts: str) -> str:
    """The whole page; ``specs`` are the charts by the names of :func:`jobs.report.charts.charts`, ``scripts`` draw them."""
    style = files("jobs.report").joinpath("page.css").read_text(encoding="utf-8")
    draw = files("jobs.report").joinpath("page.js").read_text(encoding="utf-8")
    body = "\n".join([_head(title, figures), *_parts(figures, specs)])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body><main>\n{body}\n</main>\n"
        f'<script type="application/json" id="charts">{_json(specs)}</script>\n'
        f"<script>{_code(scripts)}</script>\n<script>{draw}</script></body></html>\n"
    )


def _json(value: object) -> str:
    """JSON that can't end the script element around it, whatever is in its strings."""
    return json.dumps(value).replace("<", "\\u003c")


def _code(text: str) -> str:
    """A script that can't end the element around it by what is in its strings."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _head(title: str, figures: Figures) -> str:
    batches, days = figures.batches, figures.days
    span = f"{days[0]} to {days[-1]}" if days else "no batches"
    sums = {
        "batches": len(batches),
        "change events read": sum(one.read for one in batches),
        "records archived": sum(one.archived for one in batches),
        "failed": sum(one.failed for one in batches),
        "open for a redrive": sum(one.events for one in figures.open_errors),
        "containers": sum(one.containers for one in figures.partitions.values()),
        "partitions": len(figures.partitions),
    }
    if figures.unreadable:
        sums["unreadable delivery records"] = len(figures.unreadable)
    cards = "".join(f"<div><dt>{name}</dt><dd>{number:,}</dd></div>" for name, number in sums.items())
    return (
        f"<header><h1>{escape(title)}</h1><p>Days (UTC) of the batches: {span}.</p><dl>{cards}</dl></header>"
    )


def _parts(figures: Figures, specs: Mapping[str, Spec]) -> Iterable[str]:
    if figures.unreadable:
        yield _part(
            "unreadable", "Delivery records that can't be read",
            "What they name is on no other part of this page. <code>python -m jobs.verify --conf FILE</code> finds it.", specs,
            _with_the_rest_folded(("key",), [(key,) for key in figures.unreadable]),
        )  # fmt: skip
    yield _part(
        "archived", "Records per type and day",
        "Archived records, by the day of their batch.", specs, _per_day(figures, figures.archived, "type"),
    )  # fmt: skip
    yield _part(
        "failed", "Failures by message",
        "Change events that ended in archive errors, by the day they failed.", specs,
        _legend(messages(most_common(figures.failed))) + _per_day(figures, figures.failed, "message"),
    )  # fmt: skip
    yield _part(
        "open", "Open for a redrive",
        "Failed change events that no redrive has archived. After a fix: "
        "<code>python -m jobs.backfill --conf FILE --from errors --message TEXT --dry-run</code>", specs,
        _open(figures.open_errors),
    )  # fmt: skip
    yield _part(
        "duration", "Duration of batches",
        "From a batch's time to its delivery record, which is written last, as the storage tells it: in a copy of an archive "
        "that is the time of copying. A batch that was interrupted and replayed took as long as that.", specs,
    )  # fmt: skip
    yield _part(
        "lag", "Lag",
        "How far the worst shard was behind its tip after each batch. It is in the job's log, not in delivery records: "
        "<code>--log FILE</code> takes it from there.", specs,
    )  # fmt: skip
    yield _part(
        "sizes", "Containers and their sizes",
        f"A point is a partition ({PARTITIONS:,} of those with the most containers at most). Many small containers, high up "
        "on the left, make queries slow: a longer <code>archive.trigger</code> makes fewer, larger ones.", specs,
        _table(("type", "partition date", "containers", "records", "bytes on average"), _worst(figures)),
    )  # fmt: skip
    names = ("time", "kind", "batch", "read", "archived", "failed", "objects", "bytes", "seconds")
    yield _part("batches", "The last batches", "", specs, _table(names, _last(figures), "There are none."))


def _part(name: str, heading: str, about: str, specs: Mapping[str, Spec], table: str = "") -> str:
    chart = f'<div class="chart" id="{name}-chart"></div>' if name in specs else ""
    told = f"<p>{about}</p>" if about else ""
    return f'<section id="{name}"><h2>{heading}</h2>{told}{chart}{table}</section>'


def _per_day(figures: Figures, counts: Counter[tuple[str, str]], of: str) -> str:
    """A table with a row per day and a column per type or message, folded where it is long."""
    names = sorted({name for _, name in counts})
    if of == "message":
        rows: list[Row] = [(day, message, count) for (day, message), count in sorted(counts.items())]
        return _folded(_table(("day", "message", "change events"), rows, "Nothing failed."))
    rows = [(day, *(counts[day, name] for name in names)) for day in figures.days]
    return _folded(_table(("day", *names), rows, "Nothing was archived."))


def _legend(names: Sequence[str]) -> str:
    items = zip(names, colours(len(names)), strict=True)
    lines = "".join(f'<li><i style="background:{colour}"></i>{escape(name)}</li>' for name, colour in items)
    return f"<ul>{lines}</ul>" if lines else ""


def _open(errors: Sequence[OpenErrors]) -> str:
    names = ("message", "change events", "error objects", "oldest", "newest")
    return _with_the_rest_folded(names, errors, "Nothing is open.")


def _worst(figures: Figures) -> list[Row]:
    most = sorted(figures.partitions.items(), key=lambda one: (-one[1].containers, one[0]))
    return [
        (type, date, of.containers, of.records, round(of.bytes / of.containers))
        for (type, date), of in most[:WORST]
    ]


def _last(figures: Figures) -> list[Row]:
    return [
        (one.time, one.kind, one.batch_id, one.read, one.archived, one.failed, one.objects, one.bytes, one.seconds)
        for one in reversed(figures.batches[-BATCHES:])
    ]  # fmt: skip


def _with_the_rest_folded(names: Row, rows: Sequence[Row], empty: str = "") -> str:
    more = rows[SHOWN:]
    folded = _folded(_table(names, more), f"{len(more):,} more") if more else ""
    return _table(names, rows[:SHOWN], empty) + folded


def _folded(table: str, name: str = "As a table") -> str:
    return f"<details><summary>{name}</summary>{table}</details>"


def _table(names: Row, rows: Sequence[Row], empty: str = "") -> str:
    if not rows:
        return f"<p>{empty}</p>"
    head = "".join(f"<th>{escape(str(name))}</th>" for name in names)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    if isinstance(value, float):
        return f'<td class="number">{value:,.1f}</td>'
    text = "" if value is None else escape(str(value))
    return f'<td class="long">{text}</td>' if len(text) > 30 else f"<td>{text}</td>"
