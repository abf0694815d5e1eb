"""The report in a browser: it renders, asks for nothing, complains of nothing, and shows what the delivery records say."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.report.__main__ import main
from jobs.sinks.records import DeliveryRecord
from jobs.sinks.storage import open_storage
from tests.browser import PHONE, Browser, browser
from tests.report.archives import MISSING, ODD, make

DESK = (1280, 900)
CHARTS = ["archived", "failed", "duration", "lag", "sizes"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def records(directory: Path) -> list[DeliveryRecord]:
    """An archive without a single container or error object: nobody could read one."""
    return make(open_storage(str(directory / "archive")))


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
    lines = [
        {"event": "batch", "batchTime": one.timestamp, "lagMs": 1000 * number}
        for number, one in enumerate(records)
    ]
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


def test_the_tables_say_what_the_delivery_records_say(
    window: Browser, page: Path, records: list[DeliveryRecord]
) -> None:
    see(window, page)
    by_day: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for record in records:
        for one in record.deliveries:
            by_day[record.timestamp[:10], one.type] += one.count
        for error in record.errors:
            failed[record.timestamp[:10], error.message] += error.count
    (_, *types), *rows = table(window, "archived")
    assert {(day, type): int(count) for day, *counts in rows for type, count in zip(types, counts, strict=True) if count != "0"} == by_day  # fmt: skip
    assert {(day, message): int(count) for day, message, count in table(window, "failed")[1:]} == failed
    assert [row[:3] for row in table(window, "open")[1:]] == [[MISSING, "19", "10"], [ODD, "10", "10"]]
    assert table(window, "sizes")[1] == ["sale", "2026-02-01", "21", "21", "805"]
    last = sorted(records, key=lambda one: one.timestamp)[-12:]
    assert [row[0] for row in table(window, "batches")[1:]] == [one.timestamp for one in reversed(last)]


def test_the_totals_say_what_the_delivery_records_say(
    window: Browser, page: Path, records: list[DeliveryRecord]
) -> None:
    see(window, page)
    cards = "[...document.querySelectorAll('dl > div')].map(card => [...card.children].map(each => each.textContent))"
    assert dict(window.ask(cards)) == {
        "batches": str(len(records)),
        "change events read": str(sum(one.counts.read for one in records)),
        "records archived": str(sum(one.counts.archived for one in records)),
        "failed": str(sum(one.counts.failed for one in records)),
        "open for a redrive": "29",
        "containers": str(sum(len(one.deliveries) for one in records)),
        "partitions": str(len({pair for one in records for pair in one.partitions})),
    }


def test_the_charts_draw_what_the_tables_say(
    window: Browser, page: Path, records: list[DeliveryRecord]
) -> None:
    see(window, page)

    def marks(name: str, kind: str) -> int:
        found: int = window.ask(f"document.querySelectorAll('#{name} .mark-{kind}.role-mark path').length")
        return found

    drawn = sum(count != "0" for _, *counts in table(window, "archived")[1:] for count in counts)
    assert marks("archived", "rect") == drawn
    assert marks("failed", "rect") == len(table(window, "failed")[1:])
    assert marks("sizes", "symbol") == len({pair for one in records for pair in one.partitions})
    assert window.ask(f"document.querySelector('#failed ul').textContent.includes({json.dumps(MISSING)})")


def test_it_begins_at_the_day_that_is_asked_for(
    window: Browser, directory: Path, conf: Path, page: Path
) -> None:
    out = directory / "later.html"
    assert main(["--conf", str(conf), "--out", str(out), "--since", "2026-03-03"]) == 0
    see(window, out)
    assert [row[0] for row in table(window, "archived")[1:]] == ["2026-03-03", "2026-03-04"]
    assert window.ask("document.querySelector('#lag .chart')") is None
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
