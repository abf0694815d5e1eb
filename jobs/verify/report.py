"""What an audit found, told for people or as JSON lines."""

import json
from collections.abc import Iterable, Iterator, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.plural import plural
from jobs.verify.findings import KINDS

SHOWN = 20


Counts = Mapping[str, tuple[int, int]]


def for_people(uri: str, totals: Mapping[str, int], counts: Counts, findings: DataFrame) -> Iterator[str]:
    """The report line by line: what was looked at, then each kind of finding with its first keys."""
    yield (
        f"{uri}: {plural(totals['batches'], 'batch', 'batches')} read {plural(totals['read'], 'change event')}, archived {totals['archived']:,} and "
        f"failed {totals['failed']:,}; looked at {plural(totals['objects'], 'object')} of {plural(totals['bytes'], 'byte')}"
    )
    if totals["registered"]:
        yield f"registered {plural(totals['registered'], 'partition')} in the catalog"
    if not counts:
        yield "nothing found: the archive is what its delivery records say"
    for kind, (number, events) in counts.items():
        yield ""
        yield f"{kind}: {KINDS[kind]}: {number:,}" + (f" ({events:,} in all)" if events != number else "")
        shown = findings.where(F.col("kind") == kind).orderBy("key", "detail").limit(SHOWN)
        yield from (f"  {row.key}: {row.detail}" for row in shown.collect())
        if number > SHOWN:
            yield f"  and {number - SHOWN:,} more: --json tells all"


def as_json(uri: str, totals: Mapping[str, int], counts: Counts, findings: DataFrame) -> Iterator[str]:
    """A line per finding, then one with the totals and the number of findings per kind."""
    rows = findings.orderBy("kind", "key", "detail").toLocalIterator() if counts else ()
    for row in rows:
        yield _line({"finding": row.kind, "key": row.key, "number": row.number, "detail": row.detail})
    found = {kind: number for kind, (number, _) in counts.items()}
    yield _line({"archive": uri, **totals, "findings": found})


def counted(findings: DataFrame) -> Counts:
    """Per kind how many findings there are, and the sum of what they count."""
    rows: Iterable[tuple[str, int, int]] = (
        findings.groupBy("kind").agg(F.count("*"), F.sum("number")).collect()
    )
    by_kind = {kind: (number, events) for kind, number, events in rows}
    return {kind: by_kind[kind] for kind in KINDS if kind in by_kind}


def _line(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
