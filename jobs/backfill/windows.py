"""The window of a run: two instants, given as such or relative to ``--as-of``."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.backfill.options import Options
from jobs.instants import from_iso, iso
from jobs.settings import SettingsError

_RELATIVE = re.compile(r"([+-]?)(\d{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Window:
    """From ``since``, itself included, to ``until``, itself excluded; None: without that bound."""

    since: datetime | None
    until: datetime | None

    def holds(self, instant: datetime) -> bool:
        """Whether the instant lies in the window."""
        after = self.since is None or instant >= self.since
        return after and (self.until is None or instant < self.until)

    def as_json(self) -> dict[str, str | None]:
        """``{since, until}`` as ISO-8601, null where there is no bound."""
        return {
            "since": iso(self.since) if self.since else None,
            "until": iso(self.until) if self.until else None,
        }


def window(options: Options, now: datetime, *, ends: bool = False) -> Window:
    """The window that the options ask for; ``now`` is the present, which ``--as-of`` takes the place of.

    One that ``ends`` ends at the present where ``--until`` isn't given. Raises SettingsError for what is no instant, an
    ``--as-of`` in the future, and an end before the beginning.
    """
    base = moment("--as-of", options.as_of, now) if options.as_of else _to_the_millisecond(now)
    if base > now:
        raise SettingsError(f"--as-of {options.as_of} lies in the future")
    since = moment("--since", options.since, base) if options.since else None
    until = moment("--until", options.until, base) if options.until else base if ends else None
    if since and until and until <= since:
        raise SettingsError(
            f"the window is empty: --until ({iso(until)}) must lie after --since ({iso(since)})"
        )
    return Window(since, until)


def moment(option: str, text: str, base: datetime) -> datetime:
    """An ISO-8601 instant, or one relative to ``base``: a number of ``s``, ``m``, ``h``, ``d`` or ``w``. To the millisecond.

    Raises SettingsError, which names the option.

    >>> from datetime import UTC
    >>> moment("--since", "-14h", datetime(2026, 3, 2, 4, tzinfo=UTC)).isoformat()
    '2026-03-01T14:00:00+00:00'
    """
    relative = _RELATIVE.fullmatch(text)
    try:
        if not relative:
            return _to_the_millisecond(from_iso(text))
        sign, number, unit = relative.groups()
        distance = timedelta(**{_UNITS[unit]: int(number)})
        return _to_the_millisecond(base - distance if sign == "-" else base + distance)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{option} {text!r} is no instant: write it as 2026-03-01T12:00:00Z, or relative to now or --as-of as -14h "
            "(s, m, h, d, w)"
        ) from None


def _to_the_millisecond(instant: datetime) -> datetime:
    return from_iso(iso(instant))
