"""FrameCutter: the same frames come out, however their bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.exceptions import ProtocolError
from openline.protocol.frames import Opcode, encode_frame
from openline.websocket.frame_cutter import LONGEST_HEADER, FrameBeginning, FrameCutter

KEPT = 8
MASK = b"\x01\x02\x03\x04"

frames = st.lists(
    st.tuples(
        st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING]),
        st.one_of(st.binary(max_size=20), st.just(b"x" * 125)),
        st.sampled_from([None, MASK]),
    ),
    max_size=6,
)


def cut(data: bytes, sizes: list[int], kept: int = KEPT) -> list[FrameBeginning]:
    cutter = FrameCutter(kept)
    found: list[FrameBeginning] = []
    for size in sizes:
        found += cutter.feed(data[:size])
        data = data[size:]
    return found + list(cutter.feed(data))


@given(frames, st.lists(st.integers(1, 30)))
def test_frames_come_out_however_they_are_cut(
    sent: list[tuple[Opcode, bytes, bytes | None]], sizes: list[int]
) -> None:
    wire = [encode_frame(opcode, payload, mask=mask) for opcode, payload, mask in sent]
    found = cut(b"".join(wire), sizes)
    assert [frame.header.opcode for frame in found] == [opcode for opcode, _, _ in sent]
    assert [frame.payload for frame in found] == [payload[:KEPT] for _, payload, _ in sent]
    assert [frame.head + frame.wire for frame in found] == [
        data[: frame.header.size + min(KEPT, frame.header.length)]
        for data, frame in zip(wire, found, strict=True)
    ]


@pytest.mark.parametrize("size", [125, 126, 65_535, 65_536])
def test_each_form_of_the_length_is_read_section_5_2(size: int) -> None:
    wire = encode_frame(Opcode.BINARY, bytes(size), mask=MASK) + encode_frame(Opcode.PONG, b"")
    first, second = cut(wire, [1, 2, 3, 5])
    assert first.header.length == size
    assert len(first.wire) == KEPT
    assert second.header.opcode is Opcode.PONG


def test_a_frame_is_yielded_as_soon_as_its_beginning_has_passed() -> None:
    cutter = FrameCutter(KEPT)
    wire = encode_frame(Opcode.TEXT, b"0123456789")
    assert list(cutter.feed(wire[: 2 + KEPT - 1])) == []
    assert [frame.wire for frame in cutter.feed(wire[2 + KEPT - 1 : 2 + KEPT])] == [b"01234567"]
    assert list(cutter.feed(wire[2 + KEPT :])) == []


def test_nothing_is_kept_where_nothing_is_wanted() -> None:
    (frame,) = cut(encode_frame(Opcode.TEXT, b"hello"), [], kept=0)
    assert (frame.wire, frame.payload, frame.header.length) == (b"", b"", 5)


def test_what_it_holds_is_bounded_while_a_large_frame_passes() -> None:
    cutter = FrameCutter(KEPT)
    wire = encode_frame(Opcode.BINARY, bytes(100_000), mask=MASK)
    for start in range(0, len(wire), 1000):
        list(cutter.feed(wire[start : start + 1000]))
        assert len(cutter._start) <= LONGEST_HEADER + KEPT


def test_a_reserved_opcode_ends_the_cutting_section_5_2() -> None:
    cutter = FrameCutter(KEPT)
    found = cutter.feed(encode_frame(Opcode.TEXT, b"good") + b"\x83\x00")
    assert next(found).payload == b"good"
    with pytest.raises(ProtocolError, match=r"5\.2"):
        next(found)
    assert list(cutter.feed(encode_frame(Opcode.TEXT, b"no longer looked at"))) == []
