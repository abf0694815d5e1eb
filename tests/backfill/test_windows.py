"""The window of a run: instants, or distances from now or --as-of."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.backfill.options import Options
from jobs.backfill.windows import Window, moment, window
from jobs.settings import SettingsError

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def asked(**options: str) -> Window:
    return window(Options("kinesis", **options), NOW)  # type: ignore[arg-type]


def test_relative_instants_count_from_now() -> None:
    assert asked(since="-14h", until="-2h") == Window(NOW - timedelta(hours=14), NOW - timedelta(hours=2))


def test_or_from_as_of_so_that_a_schedule_asks_for_the_same_window_whenever_it_runs() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    assert asked(since="-1d", as_of="2026-03-01") == Window(day - timedelta(days=1), None)


@pytest.mark.parametrize(
    ("text", "seconds"), [("-30s", 30), ("-5m", 300), ("-2h", 7200), ("-1d", 86400), ("-1w", 604800)]
)
def test_every_unit(text: str, seconds: int) -> None:
    assert moment("--since", text, NOW) == NOW - timedelta(seconds=seconds)


def test_a_window_that_must_end_ends_at_the_present_or_as_of() -> None:
    assert window(Options("kinesis", since="-1h"), NOW, ends=True).until == NOW
    as_of = Options("kinesis", since="-1h", as_of="2026-03-01T12:00:00Z")
    assert window(as_of, NOW, ends=True).until == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_window_has_its_beginning_and_not_its_end() -> None:
    one = Window(NOW, NOW + timedelta(hours=1))
    assert [one.holds(NOW + timedelta(minutes=minutes)) for minutes in (-1, 0, 59, 60)] == [False, True, True, False]  # fmt: skip
    assert Window(None, None).holds(NOW)


@pytest.mark.parametrize("text", ["soon", "-14", "-14y", "14:00", "-9999999d", "-999999w"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="--since"):
        asked(since=text)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(SettingsError, match="must lie after"):
        asked(since="-1h", until="-2h")


def test_an_as_of_in_the_future_is_refused() -> None:
    with pytest.raises(SettingsError, match="future"):
        asked(since="-1h", as_of="2026-03-03")
