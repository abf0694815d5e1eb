"""docs/faults.md names a test for every fault, and every test of faults; the README's table is a part of it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE, README = ROOT / "docs" / "faults.md", ROOT / "README.md"
PROMISE = (
    "every change event in the stream is in the archive exactly once, as a record or in an error, whatever dies when; "
    "a replayed batch leaves the same bytes; no record marked deleted in `data/` holds a phone number, an email or a message."
)
LINKS = re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [README, PAGE], ids=["README", "page"])
def test_the_promise_is_made(page: Path) -> None:
    assert PROMISE in " ".join(page.read_text(encoding="utf-8").split())


def test_every_test_that_the_page_names_is_there() -> None:
    assert [link for link in LINKS if not (PAGE.parent / link).exists()] == []


def test_every_module_that_the_page_names_holds_a_test() -> None:
    modules = [PAGE.parent / link for link in LINKS if link.endswith(".py")]
    assert len(modules) > 40
    of_no_test = [
        path.name for path in modules if not re.search(r"^def test_", path.read_text(), re.MULTILINE)
    ]
    assert of_no_test == []


def test_every_row_names_a_test() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    faults = [row for row in rows if not row.startswith(("| fault", "| ---"))]
    assert len(faults) > 20
    assert [row for row in faults if "](../tests/" not in row.rsplit("|", 2)[1]] == []


def test_every_test_of_faults_is_on_the_page() -> None:
    here = {f"../tests/faults/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}
    assert here - set(LINKS) - {f"../tests/faults/{Path(__file__).name}"} == set()


def test_the_table_of_the_readme_names_tests_of_the_page() -> None:
    section = README.read_text(encoding="utf-8").split("## What can fail\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert 8 <= len(rows) <= 12
    named = [re.findall(r"\]\(([^)]+)\)", row.rsplit("|", 2)[1]) for row in rows]
    assert all(named)
    assert {f"../{test}" for tests in named for test in tests} <= set(LINKS)
