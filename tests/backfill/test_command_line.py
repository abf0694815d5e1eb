"""The command line of ``jobs.backfill``."""

import io

import pytest
from structlog.testing import capture_logs

from jobs.backfill.arguments import parse
from jobs.backfill.options import Options
from jobs.backfill.progress import Progress

USAGE = 2


def options(*arguments: str) -> Options:
    return parse(["--conf", "conf.toml", *arguments], None)[2]


def test_an_option_keeps_its_default_where_it_isnt_given() -> None:
    assert options("--from", "events", "--input", "a.json") == Options("events", "a.json")


def test_relative_times_need_no_equals_sign() -> None:
    found = options("--from", "kinesis", "--since", "-14h", "--until", "-2h")
    assert (found.since, found.until) == ("-14h", "-2h")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "export"), "--from export needs --input"),
        (("--from", "events", "--input", "a", "--since", "-14h"), "--since doesn't go with --from events"),
        (("--from", "events", "--input", "a", "--message", "x"), "--message doesn't go with --from events"),
        (("--from", "events", "--input", "a", "--max-error-rate", "2"), "'2' is no share from 0 to 1"),
        (("--from", "events", "--input", "a", "--step-bytes", "0"), "'0' is no number of bytes"),
        (("--from", "kinesis", "--since", "yesterday"), "'yesterday'"),
        (
            (
                "--from",
                "tape",
            ),
            "invalid choice: 'tape'",
        ),
    ],
)
def test_a_wrong_command_line_is_told_in_words(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        options(*arguments)
    assert raised.value.code == USAGE
    assert told in capsys.readouterr().err


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_files_records_rate_and_time_left() -> None:
    time, screen = iter(range(0, 1000, 10)), Terminal()
    progress = Progress(screen, 4, clock=lambda: next(time))
    progress.step(1, 5_000, passed=False)
    last = screen.getvalue().rpartition("\x1b[2K")[2]
    assert last.startswith("[######..................] 1 of 4 files · 5,000 records · ")
    assert "/s" in last
    assert last.endswith(" left")


def test_no_bar_is_drawn_where_there_is_no_terminal() -> None:
    lines = io.StringIO()
    progress = Progress(lines, 4)
    progress.step(1, 5_000, passed=False)
    progress.end()
    assert not lines.getvalue()


def test_elsewhere_a_line_a_step_has_the_same_figures() -> None:
    now = [0.0]
    progress = Progress(io.StringIO(), 4, clock=lambda: now[0])
    with capture_logs() as lines:
        now[0] = 10.0
        progress.step(1, 5_000, passed=False)
        now[0] = 40.0
        progress.step(3, 15_000, passed=False)
    of_first = {"files": 1, "ofFiles": 4, "records": 5_000, "perSecond": 500, "secondsLeft": 30}
    of_last = {"files": 4, "ofFiles": 4, "records": 20_000, "perSecond": 500, "secondsLeft": 0}
    told = {"event": "progress", "log_level": "info"}
    assert lines == [{**told, **of_first}, {**told, **of_last}]


def test_where_the_input_has_no_files_the_line_tells_no_time_left() -> None:
    progress = Progress(io.StringIO(), None)
    with capture_logs() as lines:
        progress.step(0, 100, passed=False)
    assert (lines[0]["ofFiles"], lines[0]["secondsLeft"], lines[0]["records"]) == (None, None, 100)


def test_steps_that_were_archived_before_dont_count_for_the_rate() -> None:
    now = [0.0]
    progress = Progress(io.StringIO(), 4, clock=lambda: now[0])
    progress.step(2, 1_000_000, passed=True)
    now[0] = 10.0
    progress.step(1, 5_000, passed=False)
    assert (progress.rate, progress.seconds_left) == (500, 10)
