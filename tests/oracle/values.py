"""Hypothesis strategies for what stands inside a change event: strings, dates, numbers and DynamoDB values."""

import base64
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.oracle.json_text import Raw

Attribute = dict[str, Any]

STRINGS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["", " ", "?", "??", "null", "a\x00b", "\u2028\u2029\x85\ufeff", "👩‍🎤", "\U0010ffff", 'say "x"', "back\\slash", "\\ud83d",
         "{\"S\":\"x\"}", "]}", "+15550100", "fan@example.com", "[redacted]", "a\nb\r\n\tc", "x" * 300, "e\u0301", "/"]
    ),
)  # fmt: skip


def _marked(mark: str) -> st.SearchStrategy[str]:
    """Any string, behind what tests/no_personal_data.py finds in a log; now and then none."""
    marked = STRINGS.map(mark.__add__)
    return st.one_of(marked, marked, marked, st.just(""))


PERSONAL = {
    "phoneNumber": _marked("+15550100"),
    "email": _marked("fan@example.com"),
    "messageBody": _marked("Your tickets go on sale"),
}
LONE_SURROGATES = st.builds(
    lambda before, half, after: before + half + after,
    st.sampled_from(["", "?", "a", "\ude00"]), st.sampled_from(["\ud83d", "\ude00", "\udfff", "\ud800"]), st.sampled_from(["", "?", "z"]),
)  # fmt: skip

_ZONES = st.sampled_from(
    ["Z", "", "+05:30", "-08:00", "+00:00", "-00:00", "+14:00", "-12:00", "+13:45", "+18:00"]
)
_MOMENTS = st.one_of(
    st.datetimes(datetime(2025, 12, 30), datetime(2026, 3, 2)),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.sampled_from([datetime(2024, 2, 29, 23, 59, 59), datetime(1, 1, 2), datetime(9999, 12, 30), datetime(1969, 12, 31),
                     datetime(1582, 10, 10), datetime(1900, 2, 28)]),
)  # fmt: skip


@st.composite
def date_texts(draw: st.DrawFn) -> str:
    """A date or a date-time as the rules allow it."""
    moment = draw(_MOMENTS)
    if draw(st.integers(0, 5)) == 0:
        return moment.date().isoformat()
    digits = draw(st.one_of(st.none(), st.text("0123456789", min_size=1, max_size=9)))
    return f"{moment.isoformat(timespec='seconds')}{'' if digits is None else '.' + digits}{draw(_ZONES)}"


@st.composite
def close_date_texts(draw: st.DrawFn) -> str:
    """Dates within a second of each other, so that fractions and offsets decide which is the latest."""
    hours = draw(st.sampled_from([0, 0, 5, -3]))
    moment = datetime(2026, 3, 1, 12, 0, draw(st.integers(0, 1))) + timedelta(hours=hours)
    digits = draw(st.sampled_from(["", ".0", ".5", ".500000000", ".500000001", ".499999999", ".50000001"]))
    zone = draw(st.sampled_from(["Z", "", "+00:00"])) if not hours else f"{hours:+03d}:00"
    return f"{moment.isoformat()}{digits}{zone}"


BAD_DATES = st.one_of(
    st.sampled_from(
        ["12:30", "2026", "2026-03", "2026-02-30", "2025-02-29", "10000-01-01", "+10000-01-01", "2026-13-01", "2026-00-10", "2026-3-1",
         "2026-03-01T24:00:00Z", "2026-03-01T12:60:00Z", "2026-03-01T12:00:60Z", "2026-03-01 12:00:00", "2026-03-01T12:00:00z",
         "2026-03-01t12:00:00Z", "2026-03-01T12:00Z", "2026-03-01T12", "2026-03-01T", "2026-03-01Z", "20260301", "20260301T120000Z",
         "2026-W09-7", "2026-060", "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00.1234567890Z", "2026-03-01T12:00:00,5Z",
         "2026-03-01T12:00:00+05", "2026-03-01T12:00:00+0530", "2026-03-01T12:00:00+05:60", "2026-03-01T12:00:00+18:01",
         "2026-03-01T12:00:00 Z", "2026-03-01T12:00:00UTC", "2026-03-01T12:00:00[UTC]", "2026-03-01T12:00:00Z\n", "2026-03-01\n", " 2026-03-01",
         "2026-03-01 ", "2026-03-01\u2028", "2026-03-01T12:00:00\r\n", "-2026-03-01", "0000-01-01", "0000-12-31T23:00:00-05:00",
         "0001-01-01T00:00:00+01:00", "9999-12-31T23:00:00-02:00", "now", "today", "epoch", "", "null", "1772366400", "1772366400000",
         "２０２６-03-01", "2026-03-01T12:00:00٫5Z", "2026–03–01", "T12:00:00Z", "2026-03-01T-1:00:00Z"]
    ),
    STRINGS,
)  # fmt: skip

_DIGITS = st.text("0123456789", min_size=1, max_size=38)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.builds(
        lambda sign, whole, part: f"{sign}{whole}.{part}", st.sampled_from(["", "-"]), _DIGITS, _DIGITS
    ),
    st.builds(lambda digits, exponent: f"{digits}E{exponent:+d}", _DIGITS, st.integers(-130, 125)),
    st.sampled_from(
        [
            "0",
            "-0",
            "0.0",
            "1.0",
            "1.50",
            "9223372036854775807",
            "9223372036854775808",
            "1E2",
            "0E+10",
            "00012",
        ]
    ),
)
BASE64 = st.binary(max_size=9).map(lambda raw: base64.b64encode(raw).decode())

DYNAMODB_VALUES: st.SearchStrategy[Attribute] = st.recursive(
    st.one_of(
        STRINGS.map(lambda v: {"S": v}),
        NUMBERS.map(lambda v: {"N": v}),
        BASE64.map(lambda v: {"B": v}),
        st.booleans().map(lambda v: {"BOOL": v}),
        st.just({"NULL": True}),
        st.lists(STRINGS, max_size=3).map(lambda v: {"SS": v}),
        st.lists(NUMBERS, max_size=3).map(lambda v: {"NS": v}),
        st.lists(BASE64, max_size=3).map(lambda v: {"BS": v}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: {"L": v}),
        st.dictionaries(STRINGS, inner, max_size=3).map(lambda v: {"M": v}),
    ),
    max_leaves=6,
)
NOT_DYNAMODB_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [None, True, 5, "bare", "", [], ["x"], {}, {"X": "y"}, {"s": "y"}, {"S ": "y"}, {"": "y"}, {"S": 5}, {"S": None}, {"S": True},
         {"S": ["x"]}, {"S": {}}, {"N": 5}, {"N": "one"}, {"N": ""}, {"N": "0x1F"}, {"N": "1 "}, {"N": "NaN"}, {"N": "1\n"}, {"B": "%"},
         {"B": 1}, {"BOOL": "true"}, {"BOOL": 1}, {"BOOL": None}, {"NULL": False}, {"NULL": "true"}, {"NULL": None}, {"M": None},
         {"M": []}, {"M": "x"}, {"L": {}}, {"L": "x"}, {"SS": "x"}, {"SS": [5]}, {"SS": [None]}, {"NS": [1]}, {"NS": ["x"]}, {"BS": [1]},
         {"S": "x", "N": "1"}, {"S": "x", "s": "y"}, {"S": "x", "extra": None}, {"NULL": True, "S": "x"}, {"M": {}, "S": "x"},
         {"S": "x", "N": None}, {"BOOL": True, "BOOLE": 1}, {"S": Raw("1e999")}, {"B": Raw("-1e999")}, {"SS": ["x", Raw("1e400")]},
         {"L": [{"S": Raw("-1e400")}]}, '{"S":"x"}', '{ "L":[]}', '{\n"M":{}}']
    ),
    STRINGS,
)  # fmt: skip

ANYTHING = st.one_of(DYNAMODB_VALUES, NOT_DYNAMODB_VALUES)
TAGS = st.sampled_from(["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS", "X"])
INSIDES: st.SearchStrategy[Any] = st.sampled_from(["x", "1", "", None, True, 5, [], {}, ["x"]])
SYSTEM_USER_IDS = st.builds(
    lambda parts, separators: "".join(
        part + separator for part, separator in zip(parts, [*separators, ""], strict=False)
    ),
    st.lists(st.text("ab9 é\n-", max_size=3), min_size=2, max_size=4),
    st.lists(st.sampled_from(".:|"), min_size=3, max_size=3),
)
_SECONDS = st.integers(0, 10**11 - 1)
CREATION_TIMES: st.SearchStrategy[Any] = st.one_of(
    _SECONDS,
    st.integers(1_700_000_000, 1_800_000_000),
    st.integers(1_700_000_000_000, 1_800_000_000_000),
    st.integers(1_700_000_000_000_000, 1_800_000_000_000_000),
    st.builds(lambda s, f: Raw(f"{s}.{f}"), st.integers(1_700_000_000, 1_800_000_000), st.text("0123456789", min_size=1, max_size=9)),
    st.builds(lambda ms, f: Raw(f"{ms}.{f}"), st.integers(1_700_000_000_000, 1_800_000_000_000), st.text("0123456789", min_size=1, max_size=3)),
    st.sampled_from([Raw("1.7723664E9"), Raw("1772366400e0"), Raw("17723664E+2"), 0, -1, -86400, 10**11, 10**14, 10**14 - 1, 10**11 - 1]),
    st.sampled_from([None, "soon", True, {}, [], "", Raw("1e40"), 10**30, -(10**20), Raw("1E-20"), "1e-999999999"]),
)  # fmt: skip
PRECISIONS = st.sampled_from(["MILLISECOND", "MICROSECOND", "SECOND", "millisecond", None, "", 5])


def batch_times() -> st.SearchStrategy[str]:
    """The batch's time, as the job writes it."""
    moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1))
    return moments.map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
