"""The demo's last page: what went in, what came out, and where to look."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jobs.demo.archive_copy import Archive
from jobs.demo.table import table
from jobs.plural import plural

WIDTH = 100
TYPES = ("demand", "notification", "event", "sale")
_MESSAGES = 16
_ACTIONS = ("insert", "modify", "remove", "expire", "soft-delete", "duplicate")


class Heading(str):
    """A line that begins a part of the page; a terminal may show it in bold."""

    __slots__ = ()


class Run(NamedTuple):
    """One run of the demo: the kinds published, what the archive and the catalog hold, seconds of the job."""

    seed: int
    stream: str
    shards: int
    kinds: Counter[str]
    archive: Archive
    partitions: Mapping[str, Sequence[str]]
    job_seconds: float

    @property
    def published(self) -> int:
        """Change events put on the stream."""
        return self.kinds.total()


def problem(run: Run) -> str:
    """In one line why the archive does not hold what was published; empty where it does."""
    archive, bad = run.archive, sum(count for kind, count in run.kinds.items() if kind.startswith("bad: "))
    if run.published != archive.archived + archive.failed:
        return f"published {run.published:,} change events, but archived {archive.archived:,} + failed {archive.failed:,}"
    if archive.failed != bad:
        return f"published {bad:,} bad change events, but {archive.failed:,} ended in archive errors"
    for name, found in (("archived", archive.archived), ("failed", archive.failed)):
        said = sum(delivery["counts"][name] for delivery in archive.deliveries)
        if said != found:
            return f"the delivery records say {said:,} {name}, the archive holds {found:,}"
    return ""


def summary(run: Run, output: str) -> list[str]:
    """The page, line by line, at most 100 columns wide; headings are `Heading`s."""
    return [
        *_published(run),
        *_archived(run.archive, run.job_seconds),
        *_errors(run.archive),
        *_sample(
            "A demand that lives (made up, like all of this; its phone and mail address are kept)",
            run.archive.live,
        ),
        *_sample("A demand that was removed (its phone and mail address are scrubbed)", run.archive.scrubbed),
        *_catalog(run.partitions),
        *_where(output),
    ]


def _published(run: Run) -> list[str]:
    rows = [[type_, *(_count(run.kinds[f"{action} {type_}"]) for action in _ACTIONS)] for type_ in TYPES]
    odd, bad = (_of(run.kinds, word) for word in ("odd: ", "bad: "))
    return [
        Heading(
            f"Published: {run.published:,} change events to a stream of {run.shards} shards (seed {run.seed})"
        ),
        *table(["", *_ACTIONS], rows),
        f"  and {odd.total():,} that are odd but legal, of {len(odd)} kinds ({_some(odd)})",
        f"  and {bad.total():,} that are broken, of {len(bad)} kinds ({_some(bad)})",
        "",
    ]


def _of(kinds: Counter[str], word: str) -> Counter[str]:
    return Counter({kind.removeprefix(word): count for kind, count in kinds.items() if kind.startswith(word)})


def _some(kinds: Counter[str]) -> str:
    return ", ".join([*sorted(kinds)[: 2 if len(kinds) > 2 else None], *(["…"] if len(kinds) > 2 else [])])


def _archived(archive: Archive, seconds: float) -> list[str]:
    figures = [archive.types[type_] for type_ in TYPES if type_ in archive.types]
    names = [type_ for type_ in TYPES if type_ in archive.types]
    rows = [
        [name, f"{f.records:,}", f"{f.deleted:,}", f"{len(f.dates):,}", f"{f.objects:,}", _size(f.bytes)]
        for name, f in zip(names, figures, strict=True)
    ]
    total = ["all", f"{archive.archived:,}", f"{sum(f.deleted for f in figures):,}", "", f"{sum(f.objects for f in figures):,}",
             _size(sum(f.bytes for f in figures))]  # fmt: skip
    return [
        Heading(
            f"Archived: {archive.archived:,} records in {plural(len(archive.deliveries), 'batch', 'batches')} ({seconds:.0f} s with Spark's start)"
        ),
        *table(["", "records", "of them deleted", "partitions", "containers", "bytes"], [*rows, total]),
        "",
    ]


def _errors(archive: Archive) -> list[str]:
    messages = sorted(archive.errors.items(), key=lambda error: (-error[1], error[0]))
    kept = f"{plural(archive.error_objects, 'object')}, {_size(archive.error_bytes)}"
    heading = f"Archive errors: {archive.failed:,} change events, {plural(len(messages), 'message')} ({kept})"
    lines = [_clip(f"{count:>7,}  {message}") for message, count in messages]
    if len(lines) > _MESSAGES:
        rest = sum(count for _, count in messages[_MESSAGES:])
        lines[_MESSAGES:] = [f"{rest:>7,}  with one of {len(lines) - _MESSAGES} more messages"]
    return [Heading(heading), *lines, ""]


def _sample(heading: str, record: dict[str, Any] | None) -> list[str]:
    if record is None:
        return []
    lines = json.dumps(_present(record), indent=2, ensure_ascii=False).splitlines()
    return [Heading(heading), *(_clip(f"  {line}") for line in lines), ""]


def _present(value: Any) -> Any:
    """The record without what is absent, small maps on one line's worth of structure."""
    if isinstance(value, dict):
        return {name: _present(member) for name, member in value.items() if member is not None}
    return value


def _catalog(partitions: Mapping[str, Sequence[str]]) -> list[str]:
    rows = [
        [name, _count(len(dates)), f"{dates[0]} … {dates[-1]}" if dates else "not partitioned"]
        for name, dates in sorted(partitions.items())
    ]
    return [Heading("In the Glue catalog"), *table(["table", "partitions", "dates"], rows, left={0, 2}), ""]


def _where(output: str) -> list[str]:
    return [
        Heading(f"Left to look at in {output}/"),
        *table(
            ["", ""],
            [
                ["archive/data/", "the containers: data/{type}/partition_date=YYYY-MM-DD/*.avro"],
                ["archive/errors/", "the archive errors, each with its original change events"],
                ["archive/deliveries/", "what each batch delivered, one JSON line a batch"],
                ["published.jsonl", "the change events as published, with their kinds"],
                ["job.log", "the job's log, JSON lines"],
                ["archive.toml", "the job's conf"],
                ["summary.txt", "this page"],
            ],
            left={0, 1},
        )[1:],
    ]


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


def _size(size: int) -> str:
    return (
        f"{size:,} B"
        if size < 10_000
        else f"{size / 1000:,.0f} kB"
        if size < 10_000_000
        else f"{size / 1e6:,.0f} MB"
    )


def _clip(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
