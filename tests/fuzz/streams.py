"""Byte streams that a peer might send: frames, mostly sound, some broken in every way, in any chunks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from hypothesis import strategies as st

from ..conformance.peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_payload, encode
from ..conformance.utf8_sequences import INVALID, VALID

MAX_SIZE = 3000
"""Bytes of a message that the subjects accept; streams come close to it from both sides."""


@dataclass(frozen=True)
class Stream:
    """What a peer sends.

    Attributes:
        data: All of it.
        chunks: Sizes of the pieces in which it is sent; what is left is one more piece.
        masked: Whether most frames are masked: the subject is a server.
        deflate: Whether permessage-deflate is agreed on.
    """

    data: bytes
    chunks: tuple[int, ...]
    masked: bool
    deflate: bool

    def pieces(self) -> list[bytes]:
        pieces = []
        at = 0
        for size in self.chunks:
            pieces.append(self.data[at : at + size])
            at += size
        return [piece for piece in (*pieces, self.data[at:]) if piece]


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


texts = st.one_of(
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([text.encode() for text in VALID.values()]),
)
wrong_texts = st.sampled_from([bad.data for bad in INVALID.values()])
near_max_size = (MAX_SIZE - 1, MAX_SIZE, MAX_SIZE + 1)
sizes = st.sampled_from(
    [0, 1, 2, 3, 7, 8, 9, 63, 125, 126, 127, 128, 500, 1000, 1500, *near_max_size, 70_000]
)
blocks = st.builds(lambda size, byte: bytes([byte]) * size, sizes, st.sampled_from([0x61, 0x00, 0xC3, 0xFF]))
ascii_blocks = sizes.map(lambda size: b"a" * size)
closings = st.builds(
    close_payload,
    st.sampled_from(
        [0, 999, 1000, 1001, 1002, 1004, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4999, 5000, 65535]
    ),
    st.one_of(texts, wrong_texts).map(lambda text: text[:123]),
)
keys = st.binary(min_size=4, max_size=4)


# Not the value that hypothesis likes best: faults are to be rare, so that streams go on for a while.
faults = st.integers(0, 40).map(lambda number: number == 23)


@st.composite
def frames(draw: st.DrawFn, masked: bool, deflate: bool, in_message: bool) -> tuple[bytes, bool]:
    """One frame, and whether it leaves a message unfinished."""
    data_opcodes = [CONT] if in_message else [TEXT, TEXT, BINARY]
    opcode = draw(st.sampled_from([*data_opcodes * 5, PING, PING, PONG]))
    if draw(faults):
        opcode = draw(st.integers(0, 15))
    elif draw(faults) or draw(faults):
        opcode = CLOSE
    if opcode == CLOSE:
        payload = draw(st.one_of(closings, closings, st.just(b""), st.binary(max_size=3)))
    elif opcode & 8:
        payload = draw(st.binary(max_size=20)) if not draw(faults) else draw(blocks)
    elif opcode == BINARY:
        payload = draw(st.one_of(blocks, st.binary(max_size=200)))
    else:
        payload = draw(wrong_texts if draw(faults) else st.one_of(texts, ascii_blocks))
    rsv = 0
    if deflate and opcode in (TEXT, BINARY) and draw(st.booleans()):
        rsv = 4
        payload = payload if draw(faults) else deflated(payload)
    if draw(faults):
        rsv = draw(st.integers(0, 7))
    fin = draw(st.sampled_from([True, True, False])) if opcode & 8 == 0 else not draw(faults)
    length_size = None
    length = None
    if draw(faults):
        length_size = draw(st.sampled_from([size for size in (2, 8) if len(payload) < 1 << 8 * size]))
    elif draw(faults):
        length = draw(st.sampled_from([0, 125, 126, 65536, 2**32, 2**63 - 1, 2**63, 2**64 - 1]))
    frame = encode(
        opcode,
        payload,
        fin=fin,
        rsv=rsv,
        mask=draw(keys) if masked is not draw(faults) else None,
        length_size=length_size,
        length=length,
    )
    return frame, in_message if opcode & 8 else not fin


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """A stream with its chunks."""
    masked = draw(st.booleans())
    deflate = draw(st.booleans())
    parts = []
    in_message = False
    for _ in range(draw(st.integers(0, 12))):
        frame, in_message = draw(frames(masked, deflate, in_message))
        parts.append(frame)
    data = b"".join(parts)
    if draw(faults) and data:
        at = draw(st.integers(0, len(data) - 1))
        data = data[:at] + draw(st.binary(max_size=6)) + data[at + draw(st.integers(0, 6)) :]
    chunks = draw(
        st.one_of(
            st.just(()),
            st.lists(st.integers(1, 40), max_size=40).map(tuple),
            st.lists(st.integers(1, 5000), max_size=8).map(tuple),
        )
    )
    return Stream(data, chunks, masked, deflate)
