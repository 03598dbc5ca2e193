"""The native codec against `openline.protocol.frames`, and its check of UTF-8 against Python's own."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openline.engine.native import codec
from openline.exceptions import ProtocolError
from openline.protocol import frames
from openline.protocol.frames import Opcode

pytestmark = pytest.mark.native

KEYS = st.binary(min_size=4, max_size=4)
LENGTHS = st.sampled_from([0, 1, 7, 8, 9, 124, 125, 126, 127, 65535, 65536, 65537])


@given(
    opcode=st.sampled_from(Opcode),
    length=LENGTHS,
    fin=st.booleans(),
    rsv=st.sampled_from(range(0, 0x80, 0x10)),
    mask=st.none() | KEYS,
)
def test_section_5_2_frames_are_the_same_bytes(
    opcode: Opcode, length: int, fin: bool, rsv: int, mask: bytes | None
) -> None:
    payload = bytes(index * 7 & 0xFF for index in range(length))
    ours = codec.encode_frame(opcode, payload, fin=fin, rsv=rsv, mask=mask)
    assert ours == frames.encode_frame(opcode, payload, fin=fin, rsv=rsv, mask=mask)


@given(
    head=st.binary(max_size=16),
    offset=st.integers(0, 3),
)
@example(b"\x82\x7e\x00\x7e", 0)
@example(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 0)
def test_section_5_2_headers_are_read_alike_at_every_length(head: bytes, offset: int) -> None:
    """Where the pure reader has an error to tell, there is a wrong header; the native line then asks it."""
    data = b"\xaa" * offset + head
    try:
        expected = frames.parse_header(data, offset)
    except ProtocolError:
        return
    assert codec.parse_header(data, offset) == expected


@given(opcode=st.sampled_from(Opcode), length=LENGTHS, mask=st.none() | KEYS)
def test_section_5_2_a_header_is_whole_at_its_last_byte(
    opcode: Opcode, length: int, mask: bytes | None
) -> None:
    wire = frames.encode_frame(opcode, bytes(length), mask=mask)
    whole = codec.parse_header(wire)
    assert whole is not None
    assert whole.length == length
    for size in range(whole.size):
        assert codec.parse_header(wire[:size]) is None
    assert codec.parse_header(wire[: whole.size]) == whole


@given(data=st.binary(max_size=100), mask=KEYS, offset=st.integers(0, 9))
def test_section_5_3_masking_is_the_same_from_any_offset(data: bytes, mask: bytes, offset: int) -> None:
    assert codec.apply_mask(data, mask, offset) == frames.apply_mask(data, mask, offset)
    # At any alignment of the buffer.
    assert codec.apply_mask(memoryview(b"x" + data)[1:], mask, offset) == frames.apply_mask(
        data, mask, offset
    )


def test_section_5_3_a_key_has_four_octets() -> None:
    for key in (b"", b"abc", b"abcde"):
        with pytest.raises(ValueError, match=r"section 5\.3"):
            codec.apply_mask(b"data", key)
        with pytest.raises(ValueError, match=r"section 5\.3"):
            codec.encode_frame(Opcode.BINARY, b"data", mask=key)


# One of these completes whatever can be completed: RFC 3629 section 4 narrows the octet after E0, ED, F0 and F4.
COMPLETIONS = (b"", b"\x80", b"\x80\x80", b"\xa0\x80", b"\x80\x80\x80", b"\x90\x80\x80")


def begins_text(data: bytes) -> bool:
    """Python's incremental decoder would be a shorter oracle, but it sees a surrogate only at its last octet."""
    for tail in COMPLETIONS:
        try:
            (data + tail).decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


def utf8_prefix(data: bytes) -> int:
    return next((size - 1 for size in range(1, len(data) + 1) if not begins_text(data[:size])), len(data))


# Octets at the edges of what RFC 3629 section 4 allows, and ASCII, so that sequences get long.
EDGES = st.lists(
    st.sampled_from(
        list(
            b"az\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff"
        )
    ),
    max_size=12,
).map(bytes)


@given(
    st.lists(st.one_of(EDGES, st.text(max_size=9).map(lambda text: text.encode("utf-8", "surrogatepass"))))
)
def test_section_8_1_the_first_wrong_octet_of_utf8_is_found(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert codec.valid_utf8_prefix(data) == utf8_prefix(data)


def test_section_8_1_every_pair_of_octets_after_every_first_one() -> None:
    for first in range(0xC0, 0x100):
        for second in range(0x70, 0x100):
            data = bytes((first, second))
            assert codec.valid_utf8_prefix(data) == utf8_prefix(data), data
