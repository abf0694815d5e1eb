"""Rounds are interleaved, the cold one stands apart, and nothing a pass made is there for the next."""

import time
from functools import partial
from pathlib import Path

from bench.rounds import Pass, measure
from bench.rows import Row


class Log:
    """Rows that write down what happens to them."""

    def __init__(self, names: str) -> None:
        self.lines: list[str] = []
        self.directories: list[Path] = []
        self.rows = [Row(name, partial(self.run, name)) for name in names]

    def run(self, name: str, directory: Path) -> None:
        assert list(directory.iterdir()) == []
        assert not any(earlier.exists() for earlier in self.directories)
        self.directories.append(directory)
        (directory / "archive").write_text("something")
        self.lines.append(name)

    def settle(self) -> None:
        self.lines.append("-")

    def say(self, what: str, one: Pass) -> None:
        assert one.seconds >= 0
        self.lines.append(f"[{what}]")


def test_each_round_has_every_row_and_begins_with_another(tmp_path: Path) -> None:
    log = Log("abc")
    passes = measure(log.rows, 2, tmp_path, log.settle, lambda *_: None)
    assert "".join(log.lines) == "-a-b-c-b-c-a-c-a-b"
    assert {name: len(each.warm) for name, each in passes.items()} == {"a": 2, "b": 2, "c": 2}


def test_every_pass_is_told_of(tmp_path: Path) -> None:
    log = Log("ab")
    measure(log.rows, 1, tmp_path, lambda: None, log.say)
    assert log.lines == [
        *("a", "[cold round: a]", "b", "[cold round: b]"),
        *("b", "[round 1 of 1: b]", "a", "[round 1 of 1: a]"),
    ]


def test_what_a_pass_left_is_checked_and_the_check_is_not_measured(tmp_path: Path) -> None:
    found: list[str] = []

    def look(directory: Path) -> None:
        time.sleep(0.3)
        found.append((directory / "archive").read_text())

    row = Row("a", lambda directory: (directory / "archive").write_text("something"), look)
    passes = measure([row], 1, tmp_path, lambda: None, lambda *_: None)
    assert found == ["something", "something"]
    assert passes["a"].warm[0].seconds < 0.3


def test_directories_go_away_with_their_pass(tmp_path: Path) -> None:
    log = Log("ab")
    measure(log.rows, 3, tmp_path, lambda: None, lambda *_: None)
    assert len(log.directories) == 8
    assert list(tmp_path.iterdir()) == []


def test_settling_is_not_measured(tmp_path: Path) -> None:
    passes = measure([Row("a", lambda _: None)], 1, tmp_path, lambda: time.sleep(0.3), lambda *_: None)
    assert passes["a"].cold.seconds < 0.3
    assert passes["a"].warm[0].seconds < 0.3
