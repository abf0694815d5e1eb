"""The report in a browser: it renders, asks for nothing, complains of nothing, and shows what the delivery records say."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from jobs.instants import from_iso
from jobs.report.__main__ import main
from jobs.report.charts import NAMED_DAYS
from jobs.sinks.records import DeliveryRecord
from jobs.sinks.storage import open_storage
from tests.browser import PHONE, Browser, browser
from tests.report.archives import MISSING, ODD, damaged, make, stream_batch, written

DESK = (1280, 900)
CHARTS = ["archived", "failed", "duration", "lag", "sizes"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def records(directory: Path) -> list[DeliveryRecord]:
    """An archive without a single container or error object: nobody could read one. In order."""
    storage = open_storage(str(directory / "archive"))
    made = sorted(make(storage), key=lambda one: one.timestamp)
    for key, record in zip(storage.list("deliveries/"), made, strict=True):
        at = from_iso(record.timestamp).timestamp() + took(record)
        os.utime(directory / "archive" / key, (at, at))
    return made


def took(record: DeliveryRecord) -> float:
    """How many seconds after the time of its batch that record was written."""
    return 1.5 * record.batch_id + 0.25


def lag(record: DeliveryRecord) -> int:
    """The lag after it, as the log has it."""
    return 500 * record.counts.read


@pytest.fixture(scope="module")
def conf(directory: Path) -> Path:
    path = directory / "archive.toml"
    path.write_text(
        f'[source]\nstream = "s"\n[archive]\nuri = "{directory}/archive"\ncheckpoint = "{directory}/c"\n'
    )
    return path


@pytest.fixture(scope="module")
def page(directory: Path, conf: Path, records: list[DeliveryRecord]) -> Path:
    log, out = directory / "job.log", directory / "report.html"
    lines = [{"event": "batch", "batchTime": one.timestamp, "lagMs": lag(one)} for one in records]
    log.write_text("\n".join(map(json.dumps, lines)))
    assert main(["--conf", str(conf), "--out", str(out), "--log", str(log)]) == 0
    return out


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as started:
        yield started


def see(window: Browser, page: Path, *, dark: bool = False, size: tuple[int, int] = DESK) -> Browser:
    window.open(page, dark=dark, size=size)
    window.wait_for("document.querySelectorAll('.chart:not(.drawn)').length === 0")
    return window


def table(window: Browser, section: str) -> list[list[str]]:
    """The rows of the first table in a section, its heads first."""
    rows = f"[...document.querySelector('#{section} table').rows]"
    found: list[list[str]] = window.ask(f"{rows}.map(row => [...row.cells].map(cell => cell.textContent))")
    return found


def cards(window: Browser) -> dict[str, str]:
    """The totals at the top of the page."""
    found = "[...document.querySelectorAll('dl > div')].map(card => [...card.children].map(each => each.textContent))"
    return dict(window.ask(found))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_renders_without_a_complaint_and_without_a_network(
    window: Browser, page: Path, dark: bool, size: tuple[int, int]
) -> None:
    see(window, page, dark=dark, size=size)
    assert (
        window.ask("[...document.querySelectorAll('.chart svg')].map(svg => svg.closest('section').id)")
        == CHARTS
    )
    assert window.errors == []
    assert [each for each in window.requests if not each.startswith("data:")] == [page.as_uri()]
    assert window.ask("document.documentElement.scrollWidth <= innerWidth")
    widths = window.ask(
        "[...document.querySelectorAll('.chart svg')].map(svg => svg.getBoundingClientRect().right)"
    )
    assert all(100 < width <= size[0] for width in widths)


def test_light_and_dark_have_ink_and_paper_the_other_way_round_in_charts_too(
    window: Browser, page: Path
) -> None:
    def brightness(dark: bool) -> tuple[float, float]:
        see(window, page, dark=dark)
        paper, ink = window.ask(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('.chart text')).fill]"
            ".map(colour => colour.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 765)"
        )
        return paper, ink

    paper, ink = brightness(dark=False)
    assert (paper > 0.9, ink < 0.3) == (True, True)
    paper, ink = brightness(dark=True)
    assert (paper < 0.2, ink > 0.8) == (True, True)


def marks(window: Browser, section: str, kind: str) -> list[dict[str, str]]:
    """What a chart's marks say of themselves to a screen reader, by title or name."""
    found = f"[...document.querySelectorAll('#{section} .mark-{kind}.role-mark path')]"
    labels = window.ask(f"{found}.map(mark => mark.getAttribute('aria-label'))")
    return [dict(part.split(": ", 1) for part in label.split("; ")) for label in labels]


def archived_by_day(records: list[DeliveryRecord]) -> Counter[tuple[str, str]]:
    return sum(
        (
            Counter({(record.timestamp[:10], one.type): one.count})
            for record in records
            for one in record.deliveries
        ),
        Counter(),
    )


def failed_by_day(records: list[DeliveryRecord]) -> Counter[tuple[str, str]]:
    return sum(
        (
            Counter({(record.timestamp[:10], one.message): one.count})
            for record in records
            for one in record.errors
        ),
        Counter(),
    )


def sizes(records: list[DeliveryRecord]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Per partition: containers, records, bytes on average."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for one in (each for record in records for each in record.deliveries):
        found.setdefault((one.type, one.partition_date), []).append((one.count, one.bytes))
    return {
        partition: (
            len(each),
            sum(count for count, _ in each),
            round(sum(size for _, size in each) / len(each)),
        )
        for partition, each in found.items()
    }


def test_the_tables_say_what_the_delivery_records_say(
    window: Browser, page: Path, records: list[DeliveryRecord]
) -> None:
    see(window, page)
    (_, *types), *rows = table(window, "archived")
    counts = {(day, type): int(count) for day, *of in rows for type, count in zip(types, of, strict=True)}
    assert {which: count for which, count in counts.items() if count} == archived_by_day(records)
    assert {(day, message): int(count) for day, message, count in table(window, "failed")[1:]} == failed_by_day(records)  # fmt: skip
    since, until = "2026-03-01T12:03:00.000Z", "2026-03-03T12:17:00.000Z"
    assert table(window, "open")[1:] == [[MISSING, "19", "10", since, until], [ODD, "10", "10", since, until]]
    most = sorted(sizes(records).items(), key=lambda one: (-one[1][0], one[0]))[:12]
    assert table(window, "sizes")[1:] == [
        [*of, *(f"{number:,}" for number in numbers)] for of, numbers in most
    ]


def test_the_last_batches_are_told_as_their_delivery_records_have_them(
    window: Browser, page: Path, records: list[DeliveryRecord]
) -> None:
    def row(one: DeliveryRecord) -> list[str]:
        size = sum(each.bytes for each in one.deliveries) + sum(each.bytes for each in one.errors)
        counts = (one.counts.read, one.counts.archived, one.counts.failed)
        numbers = (one.batch_id, *counts, len(one.deliveries) + len(one.errors), size)
        seconds = f"{took(one):,.1f}" if one.kind == "stream" else ""
        return [one.timestamp, one.kind, *(f"{number:,}" for number in numbers), seconds]

    see(window, page)
    assert table(window, "batches")[1:] == [row(one) for one in reversed(records[-12:])]


def test_the_totals_say_what_the_delivery_records_say(
    window: Browser, page: Path, records: list[DeliveryRecord]
) -> None:
    see(window, page)
    assert cards(window) == {
        "batches": str(len(records)),
        "change events read": str(sum(one.counts.read for one in records)),
        "records archived": str(sum(one.counts.archived for one in records)),
        "failed": str(sum(one.counts.failed for one in records)),
        "open for a redrive": "29",
        "containers": str(sum(len(one.deliveries) for one in records)),
        "partitions": str(len({pair for one in records for pair in one.partitions})),
    }


def test_the_charts_draw_what_the_delivery_records_say(
    window: Browser, page: Path, records: list[DeliveryRecord]
) -> None:
    see(window, page)
    archived = {
        (mark["day"], mark["type"]): int(mark["records"]) for mark in marks(window, "archived", "rect")
    }
    assert archived == archived_by_day(records)
    failed = {
        (mark["day"], mark["message"]): int(mark["change events"]) for mark in marks(window, "failed", "rect")
    }
    assert failed == failed_by_day(records)
    assert window.ask(f"document.querySelector('#failed ul').textContent.includes({json.dumps(MISSING)})")
    drawn = {
        (mark["type"], mark["date"]): (mark["containers"], mark["bytes on average"])
        for mark in marks(window, "sizes", "symbol")
    }
    assert drawn == {
        of: (f"{containers:,}", f"{size:,}") for of, (containers, _, size) in sizes(records).items()
    }


def test_durations_and_lags_are_drawn_by_the_quarter_of_an_hour(
    window: Browser, page: Path, records: list[DeliveryRecord]
) -> None:
    """The archive is of a few days; a point is the middle and the highest of so many batches."""
    see(window, page)
    durations = [(one.timestamp, took(one)) for one in records if one.kind == "stream"]
    assert points(window, "duration") == by_quarter(durations)
    assert points(window, "lag") == by_quarter([(one.timestamp, lag(one) / 1000) for one in records])


def points(window: Browser, section: str) -> Counter[tuple[str, str, float, int]]:
    return Counter(
        (mark["from"], mark["which"], float(mark["seconds"]), int(mark["batches"]))
        for mark in marks(window, section, "symbol")
    )


def by_quarter(measured: list[tuple[str, float]]) -> Counter[tuple[str, str, float, int]]:
    of: dict[str, list[float]] = {}
    for timestamp, value in measured:
        quarter = int(timestamp[14:16]) // 15 * 15
        of.setdefault(f"{timestamp[:14]}{quarter:02d}:00.000Z", []).append(value)
    return Counter(
        (start, which, value, len(values))
        for start, values in of.items()
        for which, value in (("middle", median(values)), ("highest", max(values)))
    )


def test_of_many_days_each_has_a_bar_at_its_date(window: Browser, directory: Path, conf: Path) -> None:
    days = [f"2026-02-{day:02d}" for day in range(9, 29)]
    archive, out = directory / "days", directory / "days.html"
    storage = open_storage(str(archive))
    records = [
        written(storage, stream_batch(number, f"{day}T23:59:59.999Z"), [("demand", day, 10 + number, 500)], {MISSING: 1 + number})
        for number, day in enumerate(days)
    ]  # fmt: skip
    assert len(days) > NAMED_DAYS
    assert main(["--conf", str(conf), "--set", f"archive.uri={archive}", "--out", str(out)]) == 0
    see(window, out)
    for section, of, unit in (("archived", "type", "records"), ("failed", "message", "change events")):
        found = marks(window, section, "rect")
        drawn = {(mark["day"], mark[of]): int(mark[unit]) for mark in found}
        assert drawn == (archived_by_day(records) if of == "type" else failed_by_day(records))
        assert {mark["day"]: mark["date (year-month-date)"].strip() for mark in found} == {
            day: f"{datetime.fromisoformat(day):%b %d, %Y}" for day in days
        }
        bars = f"[...document.querySelectorAll('#{section} .mark-rect.role-mark path')]"
        sides = window.ask(
            f"{bars}.map(bar => bar.getBoundingClientRect()).map(bar => [bar.left, bar.right])"
        )
        assert all(left + 2 < right <= after + 0.1 for (left, right), (after, _) in pairwise(sides))
    assert window.errors == []


def test_it_begins_at_the_day_that_is_asked_for(
    window: Browser, directory: Path, conf: Path, page: Path
) -> None:
    out = directory / "later.html"
    assert main(["--conf", str(conf), "--out", str(out), "--since", "2026-03-03"]) == 0
    see(window, out)
    assert [row[0] for row in table(window, "archived")[1:]] == ["2026-03-03", "2026-03-04"]
    assert window.ask("document.querySelector('#lag .chart')") is None
    assert window.errors == []


def test_a_delivery_record_that_cant_be_read_is_named_on_the_page(
    window: Browser, page: Path, directory: Path, conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    see(window, page)
    assert window.ask("document.getElementById('unreadable')") is None
    totals = cards(window)
    archive, out = directory / "damaged", directory / "damaged.html"
    shutil.copytree(directory / "archive", archive)
    key = damaged(open_storage(str(archive)))
    assert main(["--conf", str(conf), "--set", f"archive.uri={archive}", "--out", str(out)]) == 0
    assert capsys.readouterr().out.endswith(", 1 delivery record can't be read\n")
    see(window, out)
    assert table(window, "unreadable") == [["key"], [key]]
    assert cards(window) == {**totals, "unreadable delivery records": "1"}
    assert window.errors == []


def test_an_empty_archive_has_a_page_too(window: Browser, directory: Path, conf: Path) -> None:
    out = directory / "empty.html"
    (directory / "empty").mkdir()
    assert main(["--conf", str(conf), "--set", f"archive.uri={directory}/empty", "--out", str(out)]) == 0
    see(window, out)
    assert "Nothing is open." in window.ask("document.body.textContent")
    assert window.errors == []


def test_the_command_tells_in_one_line_what_it_cannot_do(directory: Path, conf: Path, page: Path) -> None:
    def fails(*arguments: str) -> str:
        command = [sys.executable, "-m", "jobs.report", "--conf", str(conf), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        return done.stderr

    assert fails("--out", "/no/such/folder/a.html") == (
        "report: --out /no/such/folder/a.html: can't be written: No such file or directory\n"
    )
    assert (
        fails("--out", "a.html", "--log", "/none")
        == "report: --log /none: can't be read: No such file or directory\n"
    )
