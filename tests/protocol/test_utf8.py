"""UTF-8 in pieces (RFC 6455 section 8.1; RFC 3629 section 4 for what is well-formed)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.protocol.utf8 import Utf8Decoder

# RFC 3629 section 4: the first byte, the second, and how many continuation bytes follow those two.
WELL_FORMED = (
    (range(0xC2, 0xE0), range(0x80, 0xC0), 0),
    (range(0xE0, 0xE1), range(0xA0, 0xC0), 1),
    (range(0xE1, 0xED), range(0x80, 0xC0), 1),
    (range(0xED, 0xEE), range(0x80, 0xA0), 1),
    (range(0xEE, 0xF0), range(0x80, 0xC0), 1),
    (range(0xF0, 0xF1), range(0x90, 0xC0), 2),
    (range(0xF1, 0xF4), range(0x80, 0xC0), 2),
    (range(0xF4, 0xF5), range(0x80, 0x90), 2),
)


def decodes(*pieces: bytes, final: bool = False) -> bool:
    decoder = Utf8Decoder()
    try:
        for piece in pieces:
            decoder.decode(piece)
        decoder.decode(b"", final)
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("first", range(256))
def test_8_1_first_byte_fails_at_once(first: int) -> None:
    possible = first < 0x80 or any(first in firsts for firsts, _, _ in WELL_FORMED)
    assert decodes(bytes([first])) is possible


def test_8_1_second_byte_fails_at_once() -> None:
    for firsts, seconds, _ in WELL_FORMED:
        for first, second in itertools.product(firsts, range(256)):
            whole, split = bytes([first, second]), (bytes([first]), bytes([second]))
            assert decodes(whole) is (second in seconds), whole.hex()
            assert decodes(*split) is (second in seconds), whole.hex()


def test_8_1_third_and_fourth_byte_fail_at_once() -> None:
    for firsts, seconds, rest in WELL_FORMED:
        prefix = bytes([firsts[0], seconds[0]])
        for count, wrong in itertools.product(range(rest), (0x00, 0x7F, 0xC0, 0xFF)):
            start = prefix + b"\x80" * count
            assert decodes(start)
            assert not decodes(start, bytes([wrong]))
            assert not decodes(start + bytes([wrong]))


@pytest.mark.parametrize("start", ["c2", "e1", "e180", "f1", "f180", "f18080"])
def test_8_1_text_must_not_end_inside_a_character(start: str) -> None:
    assert decodes(bytes.fromhex(start))
    assert not decodes(bytes.fromhex(start), final=True)


def test_a_split_character_comes_with_the_later_piece() -> None:
    decoder = Utf8Decoder()
    assert decoder.decode(b"a\xf0\x9f") == "a"
    assert decoder.decode(b"\x98") == ""
    assert decoder.decode(b"\x80b") == "😀b"


def test_ready_for_another_text_after_the_last_piece() -> None:
    decoder = Utf8Decoder()
    assert decoder.decode("é".encode(), final=True) == "é"
    assert decoder.decode(b"a", final=True) == "a"


@given(st.text(), st.lists(st.integers(0, 40)))
def test_any_cuts_give_the_same_text(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    decoder = Utf8Decoder()
    pieces = [decoder.decode(data[a:b], final=b == len(data) == a) for a, b in itertools.pairwise(edges)]
    assert "".join(pieces) + decoder.decode(b"", final=True) == text


@given(st.binary(max_size=8))
def test_bytewise_fails_exactly_where_no_text_can_follow(data: bytes) -> None:
    decoder = Utf8Decoder()
    for i in range(len(data)):
        # A prefix can become text if some continuation bytes, up to three, make it well-formed.
        endings = [b"", *(bytes([b]) + b"\x80" * n for b in (0x80, 0x90, 0xA0) for n in range(3))]
        possible = any(is_text(data[: i + 1] + ending) for ending in endings)
        try:
            decoder.decode(data[i : i + 1])
        except UnicodeDecodeError:
            assert not possible
            return
        assert possible


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
