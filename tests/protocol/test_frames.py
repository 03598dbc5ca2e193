"""The wire format of frames (RFC 6455 sections 5.2, 5.3, 5.5 and 5.7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.exceptions import ProtocolError
from openline.protocol.frames import (
    RSV1,
    RSV2,
    RSV3,
    Frame,
    FrameHeader,
    Opcode,
    apply_mask,
    encode_frame,
    parse_first_byte,
    parse_header,
)

MASK = bytes.fromhex("37fa213d")


def parse_bytewise(data: bytes) -> FrameHeader | None:
    """Give the header byte by byte, as a slow network would."""
    header = None
    for size in range(len(data) + 1):
        header = parse_header(data[:size])
        if header is not None:
            break
    return header


# ------------------------------------------------------------------------- the examples of section 5.7


@pytest.mark.parametrize(
    ("wire", "header", "payload"),
    [
        ("810548656c6c6f", FrameHeader(True, 0, Opcode.TEXT, None, 5, 2), b"Hello"),
        ("818537fa213d7f9f4d5158", FrameHeader(True, 0, Opcode.TEXT, MASK, 5, 6), b"Hello"),
        ("010348656c", FrameHeader(False, 0, Opcode.TEXT, None, 3, 2), b"Hel"),
        ("80026c6f", FrameHeader(True, 0, Opcode.CONT, None, 2, 2), b"lo"),
        ("890548656c6c6f", FrameHeader(True, 0, Opcode.PING, None, 5, 2), b"Hello"),
        ("8a8537fa213d7f9f4d5158", FrameHeader(True, 0, Opcode.PONG, MASK, 5, 6), b"Hello"),
        ("827e0100" + "00" * 256, FrameHeader(True, 0, Opcode.BINARY, None, 256, 4), bytes(256)),
        (
            "827f0000000000010000" + "00" * 65536,
            FrameHeader(True, 0, Opcode.BINARY, None, 65536, 10),
            bytes(65536),
        ),
    ],
)
def test_5_7_examples(wire: str, header: FrameHeader, payload: bytes) -> None:
    data = bytes.fromhex(wire)
    assert parse_header(data) == parse_bytewise(data[:14]) == header
    body = data[header.size :]
    assert (apply_mask(body, header.mask) if header.mask else body) == payload
    assert encode_frame(header.opcode, payload, fin=header.fin, mask=header.mask) == data


# ------------------------------------------------------------------------- section 5.2: what is refused


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("rest", [b"", b"\x00", b"\x80abcd"])
def test_5_2_reserved_opcode_at_the_first_byte(opcode: int, rest: bytes) -> None:
    with pytest.raises(ProtocolError, match=rf"RFC 6455 section 5\.2: reserved opcode {opcode:#x}"):
        parse_header(bytes([0x80 | opcode]) + rest)


@pytest.mark.parametrize("opcode", [Opcode.CLOSE, Opcode.PING, Opcode.PONG])
def test_5_5_fragmented_control_frame_at_the_first_byte(opcode: Opcode) -> None:
    with pytest.raises(ProtocolError, match=r"RFC 6455 section 5\.5: fragmented control frame"):
        parse_header(bytes([opcode]))


@pytest.mark.parametrize("opcode", [Opcode.CLOSE, Opcode.PING, Opcode.PONG])
@pytest.mark.parametrize("length", [126, 127])
@pytest.mark.parametrize("mask", [0, 0x80])
def test_5_5_long_control_frame_at_the_second_byte(opcode: Opcode, length: int, mask: int) -> None:
    with pytest.raises(ProtocolError, match=r"RFC 6455 section 5\.5: control frame with more than 125"):
        parse_header(bytes([0x80 | opcode, mask | length]))


@pytest.mark.parametrize("length", [0, 1, 125])
def test_5_2_minimal_length_of_two_bytes(length: int) -> None:
    head = b"\x82\x7e" + length.to_bytes(2, "big")
    assert parse_header(head[:3]) is None
    with pytest.raises(ProtocolError, match=r"RFC 6455 section 5\.2: length not encoded in the minimal"):
        parse_header(head)


@pytest.mark.parametrize("length", [0, 125, 126, 65535])
def test_5_2_minimal_length_of_eight_bytes(length: int) -> None:
    head = b"\x82\x7f" + length.to_bytes(8, "big")
    assert parse_header(head[:7]) is None
    for size in (8, 9, 10):  # six zeros say it all
        with pytest.raises(ProtocolError, match=r"RFC 6455 section 5\.2: length not encoded in the minimal"):
            parse_header(head[:size])


@pytest.mark.parametrize("first", [0x80, 0xFF])
def test_5_2_top_bit_of_the_length_at_its_first_byte(first: int) -> None:
    assert parse_header(b"\x82\x7f") is None
    with pytest.raises(ProtocolError, match=r"RFC 6455 section 5\.2: 64-bit length with its most signif"):
        parse_header(bytes([0x82, 0x7F, first]))


@pytest.mark.parametrize("length", [126, 65535, 65536, 2**63 - 1])
def test_5_2_lengths_at_the_edges(length: int) -> None:
    size = 2 if length <= 65535 else 8
    head = bytes([0x82, 126 if size == 2 else 127]) + length.to_bytes(size, "big")
    assert parse_bytewise(head) == FrameHeader(True, 0, Opcode.BINARY, None, length, 2 + size)


@pytest.mark.parametrize(
    "head", ["", "81", "8180", "8180aabbcc", "817e", "817e01", "81fe0100aabbcc", "81ff" + "01" * 8]
)
def test_5_2_incomplete_header(head: str) -> None:
    assert parse_header(bytes.fromhex(head)) is None


def test_5_2_header_at_an_offset() -> None:
    assert parse_header(b"\x81\x00\x82\x01a", 2) == FrameHeader(True, 0, Opcode.BINARY, None, 1, 2)
    assert parse_header(b"\x81\x00", 2) is None


@pytest.mark.parametrize("rsv", [0, RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3])
def test_5_2_reserved_bits_are_told_apart(rsv: int) -> None:
    header = parse_header(encode_frame(Opcode.TEXT, b"", rsv=rsv))
    assert header is not None
    assert header.rsv == rsv


def test_5_2_first_byte() -> None:
    assert parse_first_byte(0xC1) == (True, RSV1, Opcode.TEXT)
    assert parse_first_byte(0x00) == (False, 0, Opcode.CONT)


@given(
    opcode=st.sampled_from([Opcode.CONT, Opcode.TEXT, Opcode.BINARY]),
    size=st.one_of(st.integers(0, 300), st.sampled_from([65535, 65536, 70000])),
    fin=st.booleans(),
    rsv=st.integers(0, 7).map(lambda bits: bits << 4),
    mask=st.none() | st.binary(min_size=4, max_size=4),
)
def test_5_2_what_is_written_is_read(
    opcode: Opcode, size: int, fin: bool, rsv: int, mask: bytes | None
) -> None:
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    wire = encode_frame(opcode, payload, fin=fin, rsv=rsv, mask=mask)
    header = parse_bytewise(wire[:14])
    assert header is not None
    assert header[:5] == (fin, rsv, opcode, mask, size)
    body = wire[header.size :]
    assert (body if mask is None else apply_mask(body, mask)) == payload


# ------------------------------------------------------------------------- section 5.3


@given(data=st.binary(max_size=1200), mask=st.binary(min_size=4, max_size=4), cut=st.integers(0, 1200))
def test_5_3_masking(data: bytes, mask: bytes, cut: int) -> None:
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    assert apply_mask(data, mask) == masked
    assert apply_mask(masked, mask) == data
    cut = min(cut, len(data))
    assert apply_mask(data[:cut], mask) + apply_mask(data[cut:], mask, cut) == masked


def test_frame_tells_its_reserved_bits() -> None:
    assert Frame(Opcode.TEXT, b"").rsv == 0
    assert Frame(Opcode.TEXT, b"", rsv1=True, rsv3=True).rsv == RSV1 | RSV3
    assert Frame(Opcode.TEXT, b"", rsv2=True).rsv == RSV2
