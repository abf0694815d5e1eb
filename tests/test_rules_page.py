"""docs/rules.md has every rule, as its tests say it."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


def plain(text: str) -> str:
    return text.replace("`", "").lower()


def test_every_rule_is_on_the_page_as_its_tests_say_it() -> None:
    modules = sorted((ROOT / "tests" / "rules").glob("test_br_*.py"))
    said = [
        re.findall(r'^"""(BR-\d+): (.*?)\.?"""', module.read_text(encoding="utf-8"))[0] for module in modules
    ]
    rows = re.findall(r"^\| (BR-\d+) \| (.+?) \| .*\]\(\.\./tests/rules/(\w+\.py)\) \|$", PAGE, re.MULTILINE)
    assert [(number, plain(text), name) for number, text, name in rows] == [
        (number, plain(text), module.name) for (number, text), module in zip(said, modules, strict=True)
    ]


def test_every_path_that_the_page_links_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
