"""Hypothesis strategies for payloads that nobody would send: raw bytes, wild JSON, and change events torn apart."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.oracle.strategies import good_payloads

_TOKENS = [
    b"{", b"}", b"[", b"]", b'"', b":", b",", b"null", b"true", b"-", b"0", b"1e999999999", b"-1e-999999999", b"9" * 5000, b"\\", b"\\u0000",
    b"\\ud83d", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00", b"\xef\xbb\xbf", b'"S":', b'"N":"1e400"', b'"M":{}', b'"dynamodb":',
    b'"NewImage":', b'"type":{"S":"sale"}', b'"eventName":"INSERT"', b'"":""', b"\xe2\x80\xa8", b"$", b"`", b"'", b"%s", b"${x}", b"\r\n",
]  # fmt: skip
_LEVELS = st.sampled_from([30, 500, 1000, 1001, 5000])


def fuzz_payloads() -> st.SearchStrategy[bytes]:
    """Anything at all, most of it close to a change event."""
    torn = torn_events()
    return st.one_of(torn, torn, torn, st.binary(max_size=300), token_soup(), wild_events(), nested())


@st.composite
def torn_events(draw: st.DrawFn) -> bytes:
    """A change event whose bytes were cut, doubled, swapped, overwritten or filled with tokens, in up to six places."""
    data = draw(good_payloads())
    for _ in range(draw(st.integers(1, 6))):
        first, second = sorted(draw(st.integers(0, len(data))) for _ in range(2))
        before, middle, after = data[:first], data[first:second], data[second:]
        put = draw(st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=4)))
        data = draw(
            st.sampled_from(
                [before + after, before + middle + middle + after, after + middle + before, before + put + after, data[:first] + put + data[first:]]
            )
        )  # fmt: skip
    return data[: 1 << 20]


def token_soup() -> st.SearchStrategy[bytes]:
    """JSON's own tokens, and ours, in any order."""
    return st.lists(st.sampled_from(_TOKENS), max_size=40).map(b"".join)


@st.composite
def wild_events(draw: st.DrawFn) -> bytes:
    """Whole JSON, with any values in the places that the steps look at."""
    event: dict[str, Any] = draw(st.dictionaries(_NAMES, _JSON, max_size=4))
    image = draw(st.one_of(_JSON, st.dictionaries(_NAMES, st.one_of(_JSON, _TAGGED), max_size=6)))
    section = draw(st.one_of(_JSON, st.just({"NewImage": image, "OldImage": image})))
    event |= {
        "eventName": draw(st.one_of(st.sampled_from(["INSERT", "MODIFY", "REMOVE"]), _JSON)),
        "dynamodb": section,
    }
    return json.dumps(event, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


@st.composite
def nested(draw: st.DrawFn) -> bytes:
    """So deep that a parser's stack may end."""
    opening, closing = draw(st.sampled_from([(b"[", b"]"), (b'{"M":', b"}"), (b'{"L":[', b"]}")]))
    levels = draw(_LEVELS)
    inside = opening * levels + b"1" + closing * draw(st.sampled_from([levels, levels - 1, 0]))
    at = draw(
        st.sampled_from(
            [
                b"%b",
                b'{"x":%b}',
                b'{"eventName":"INSERT","dynamodb":{"NewImage":{"type":{"S":"sale"},"x":%b}}}',
            ]
        )
    )
    return at % inside


_NAMES = st.one_of(
    st.sampled_from(["type", "date", "fanId", "id", "isDeleted", "eventID", "phoneNumber", "reference", "S", "M", "", "a.b", "`", "a b"]),
    st.text(max_size=8),
)  # fmt: skip
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=True),
        st.text(st.characters(), max_size=20),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)),
    max_leaves=8,
)
_TAGGED = st.builds(
    lambda tag, value: {tag: value},
    st.sampled_from(["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"]),
    _JSON,
)
