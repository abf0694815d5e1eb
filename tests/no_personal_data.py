"""A pytest plugin: no log of any test holds personal data of the made-up fans.

Made-up phones begin with +1555, mail addresses end in example.com, messages lead to tickets.example.com: whatever of it
shows up in a log came out of a record. Searched are what tests leave on standard output, on standard error and in `logging`,
what they take of that for themselves and from processes' pipes, and, at the end, the output files of all processes that
they started. No command prints a record's values; a test whose code is to print records is marked `shows_records`.

`python -m tests.no_personal_data FOLDER ...` searches the output files in these folders.
"""

import base64
import functools
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

SHOWS_RECORDS = "shows_records"
LOGS, ALSO_LOGS = {".out", ".err", ".log"}, {"stdout", "stderr", "log"}
_PLAIN = (r"\+1555\d{4,}", r"[\w.-]+@example\.com", r"tickets\.example\.com", "Your tickets go on sale")
# What tests have taken for themselves since the last report: pytest has it in no section.
_taken: list[tuple[str, str]] = []
_to_be_searched: set[Path] = set()


def _in_base64(text: bytes) -> Iterator[str]:
    """How the text begins in base64, wherever in a payload it is: archive errors hold what isn't UTF-8 as base64."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + text).decode()
        # Without the characters that other bytes share.
        yield encoded[(before * 8 + 5) // 6 : (before + len(text)) * 8 // 6]


_ENCODED = [re.escape(part) for text in (b"+1555", b"@example.com") for part in _in_base64(text)]
MADE_UP = re.compile("|".join([*_PLAIN, *_ENCODED]))


def leaked(text: str) -> str | None:
    """The beginning of the first line that holds personal data, None where none does."""
    found = MADE_UP.search(text)
    return text[text.rfind("\n", 0, found.start()) + 1 :][:200] if found else None


def will_be_searched(*files: Path) -> None:
    """The run fails where one of these files is not among those that are searched at its end."""
    _to_be_searched.update(file.resolve() for file in files)


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the mark."""
    config.addinivalue_line("markers", f"{SHOWS_RECORDS}: prints records, as it is to do")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test, set-up or tear-down whose captured logs hold personal data."""
    report = yield
    if report.passed:
        shows = item.get_closest_marker(SHOWS_RECORDS)
        for section, content in [*report.sections, *_taken]:
            if not (shows and "stdout" in section) and (line := leaked(content)):
                report.outcome = "failed"
                report.longrepr = f"personal data in {section}: {line}"
    _taken.clear()
    return report


@pytest.fixture(scope="session", autouse=True)
def _what_tests_take_is_kept() -> Iterator[None]:
    """Keep what tests take from `capsys` and its like, from processes' pipes and from structlog."""
    with pytest.MonkeyPatch.context() as patched:
        for owner, name in ((pytest.CaptureFixture, "readouterr"), (subprocess.Popen, "communicate")):
            patched.setattr(owner, name, _keeping_both(getattr(owner, name)))
        log = structlog.testing.LogCapture
        patched.setattr(log, "__call__", _keeping_event(log.__call__))
        yield


def _keeping_both(take: Callable[..., Any]) -> Callable[..., Any]:
    """The method, which returns what came on standard output and on standard error."""

    @functools.wraps(take)
    def taking(*args: Any, **options: Any) -> Any:
        both = take(*args, **options)
        for name, content in zip(("stdout", "stderr"), both, strict=True):
            text = content.decode(errors="replace") if isinstance(content, bytes) else content
            _taken.append((f"{name} that the test took", text or ""))
        return both

    return taking


def _keeping_event(take: Callable[..., Any]) -> Callable[..., Any]:
    """The method, which is called with a logger, a level and an event."""

    @functools.wraps(take)
    def taking(capture: object, logger: object, level: str, event: Any) -> Any:
        _taken.append(("log that the test took", repr(event)))
        return take(capture, logger, level, event)

    return taking


@pytest.fixture(scope="session", autouse=True)
def _no_personal_data_in_the_logs_of_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search what the processes that tests started wrote, after the last test."""
    yield
    found = {path.resolve(): leaked(text) for path, text in _log_files(tmp_path_factory.getbasetemp())}
    assert not any(found.values()), {str(path): line for path, line in found.items() if line}
    assert found.keys() >= _to_be_searched, {str(path) for path in _to_be_searched - found.keys()}


def _log_files(below: Path) -> Iterator[tuple[Path, str]]:
    for path in below.rglob("*"):
        if (path.suffix in LOGS or path.name in ALSO_LOGS) and path.is_file():
            yield path, path.read_text(errors="replace")


def main(folders: Sequence[str]) -> int:
    """Search the logs in each folder: 0 where none holds personal data, 1 where one does or there is none."""
    wrong = []
    for folder in folders:
        found = {path: leaked(text) for path, text in _log_files(Path(folder))}
        wrong += [f"personal data in {path}: {line}" for path, line in found.items() if line]
        wrong += [] if found else [f"no log in {folder}: nothing was searched"]
    print("\n".join(wrong) or f"no personal data in the logs in {' and '.join(folders)}")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
