"""What may be a payload in JSON: RFC 8259, line breaks and depth."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openline.hub.subprotocols.base import NotJSON
from openline.hub.subprotocols.payload import MAX_DEPTH, check_json, is_deeper, mend_surrogates

from .records import json_values


@given(
    value=json_values, indent=st.sampled_from([None, 0, 3]), end=st.sampled_from(["\n", "\r\n", "\r", " "])
)
def test_json_keeps_its_meaning_and_loses_its_line_breaks(
    value: object, indent: int | None, end: str
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", end) + end
    checked = bytes(check_json(text.encode()))
    assert json.loads(checked) == value
    assert b"\n" not in checked
    assert b"\r" not in checked


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b" ",
        b"1 2",
        b"[1]]",
        b"{}}",
        b'{"a":1},"b":{}',  # what a forger would send
        b'1}}\n{"push":{}}',
        b"[1,]",
        b'{"a":1,}',
        b"{'a':1}",
        b"nul",
        b"NaN",
        b"Infinity",
        b"01",
        b"+1",
        b".5",
        b"1.",
        b"-",
        b"0x10",
        b'"abc',
        b'"\n"',
        b'"\x00"',
        b'"\\x"',
        b'"\\u12g4"',
        b"/**/1",
        b"\x0c1",
        b"1\x00",
        b"\xef\xbb\xbf1",  # a byte order mark
        b'"\xff"',
        b'"\xed\xa0\x80"',  # half a surrogate pair, encoded
        b'"\xc0\x80"',  # overlong
        b'"\xc3"',  # cut off
        b'{"\xff":1}',
    ],
    ids=repr,
)
def test_what_is_not_one_json_value_is_refused(bad: bytes) -> None:
    with pytest.raises(NotJSON):
        check_json(bad)


@pytest.mark.parametrize(
    "good", [b"0", b'""', b"null", b"true", b"-1.5e+9", b"1e999", b'"\x7f\\u0000\\n"', b"[]", b"{}"]
)
def test_any_kind_of_value_is_taken_as_it_is(good: bytes) -> None:
    assert bytes(check_json(good)) == good


def nested(levels: int, inner: str = "") -> bytes:
    return ("[" * levels + inner + "]" * levels).encode()


def test_depth_is_less_than_500() -> None:
    assert MAX_DEPTH == 500
    assert bytes(check_json(nested(499))) == nested(499)
    for levels in (500, 501, 900, 1100, 200_000):
        with pytest.raises(NotJSON, match="deep"):
            check_json(nested(levels))
    with pytest.raises(NotJSON, match="deep"):
        check_json(b'{"a":' * 500 + b"1" + b"}" * 500)


def test_wide_json_is_not_deep() -> None:
    wide = b"[" + b'{"a":["[[[[",1]},' * 5000 + b"0]"
    assert bytes(check_json(wide)) == wide


@given(value=json_values, most=st.integers(0, 6))
@example(value="[[[[[[[[", most=3)
@example(value=['"]]]]', "\\[", {"[": ["{"]}], most=2)
def test_depth_is_counted_outside_of_strings(value: object, most: int) -> None:
    def depth(value: object) -> int:
        if isinstance(value, dict):
            return 1 + max(map(depth, value.values()), default=0)
        if isinstance(value, list):
            return 1 + max(map(depth, value), default=0)
        return 0

    assert is_deeper(json.dumps(value, ensure_ascii=False).encode(), most) == (depth(value) > most)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        (r'"\ud83d"', r'"\ufffd"'),
        (r'"\uDE00"', r'"\ufffd"'),
        (r'"a\ud83db"', r'"a\ufffdb"'),
        (r'"\ud83d\ud83d\ude00"', r'"\ufffd\ud83d\ude00"'),
        (r'"\ude00\ud83d"', r'"\ufffd\ufffd"'),
        (r'"\\ud83d"', r'"\\ud83d"'),  # a backslash, and letters
        (r'"\\\ud83d"', r'"\\\ufffd"'),
        (r'"\ud83d\\ude00"', r'"\ufffd\\ude00"'),
        (r'"\ud83d\n"', r'"\ufffd\n"'),
        (r'"\ud83d\ude00 \u00e9 \ue000"', r'"\ud83d\ude00 \u00e9 \ue000"'),
    ],
)
def test_half_surrogate_pairs_are_replaced(text: str, mended: str) -> None:
    assert mend_surrogates(text) == mended
    assert bytes(check_json(text.encode())) == mended.encode()
