"""The wire format of a frame (RFC 6455 section 5.2).

::

     byte 0          byte 1           0, 2 or 8 bytes     0 or 4 bytes    ``length`` bytes
    ┌─┬─┬─┬─┬────────┬─┬────────────┬───────────────────┬───────────────┬──────────────────┐
    │F│R│R│R│ opcode │M│ length,    │ length where byte │ masking key   │ payload          │
    │I│S│S│S│        │A│ or 126,    │ 1 says 126 or 127 │ where M is set│                  │
    │N│1│2│3│ 4 bits │S│ or 127     │                   │               │                  │
    │ │ │ │ │        │K│ 7 bits     │ big-endian        │               │                  │
    └─┴─┴─┴─┴────────┴─┴────────────┴───────────────────┴───────────────┴──────────────────┘

Here stands what holds for a frame by itself. What depends on the side, on extensions and on the frames that
came before is in `openline.protocol.connection`.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import NamedTuple

from openline.exceptions import ProtocolError

__all__ = [
    "MAX_CONTROL_SIZE",
    "RSV1",
    "RSV2",
    "RSV3",
    "Frame",
    "FrameHeader",
    "Opcode",
    "apply_mask",
    "encode_frame",
    "parse_first_byte",
    "parse_header",
]

FIN = 0x80
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
_RSV = RSV1 | RSV2 | RSV3
_OPCODE = 0x0F
_MASK = 0x80
_LENGTH = 0x7F
_TWO_BYTES, _EIGHT_BYTES = 126, 127

MAX_CONTROL_SIZE = 125
"""Bytes that a control frame may carry (section 5.5)."""

# Up to here, masking by one XOR of two long integers is faster than by four translations (measured, Python
# 3.11).
_XOR_SIZE = 512


class Opcode(enum.IntEnum):
    """What a frame is (section 5.2); all others are reserved. Those from 8 on are control frames."""

    CONT = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_OPCODES: dict[int, Opcode] = {opcode.value: opcode for opcode in Opcode}


class FrameHeader(NamedTuple):
    """The header of a frame.

    Attributes:
        fin: Whether this is the last frame of its message.
        rsv: The reserved bits, as `RSV1`, `RSV2` and `RSV3`; 0: none is set.
        opcode: What the frame is.
        mask: The four bytes of the masking key; None: the payload is not masked.
        length: Size of the payload in bytes.
        size: Size of the header itself in bytes, from 2 to 14.
    """

    fin: bool
    rsv: int
    opcode: Opcode
    mask: bytes | None
    length: int
    size: int


@dataclass(slots=True)
class Frame:
    """A frame as extensions see it: without its mask. The arguments are those of
    `websockets.frames.Frame`."""

    opcode: Opcode
    data: bytes
    fin: bool = True
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False

    @property
    def rsv(self) -> int:
        """The reserved bits as `RSV1`, `RSV2` and `RSV3`."""
        return RSV1 * self.rsv1 | RSV2 * self.rsv2 | RSV3 * self.rsv3


@functools.cache
def parse_first_byte(byte: int) -> tuple[bool, int, Opcode]:
    """Read the first byte of a frame: whether it is final, its reserved bits, its opcode.

    Raises:
        ProtocolError: The opcode is reserved, or a control frame is fragmented.
    """
    opcode = _OPCODES.get(byte & _OPCODE)
    if opcode is None:
        raise ProtocolError(f"RFC 6455 section 5.2: reserved opcode {byte & _OPCODE:#x}")
    fin = byte >= FIN
    if opcode >= Opcode.CLOSE and not fin:
        raise ProtocolError("RFC 6455 section 5.5: fragmented control frame")
    return fin, byte & _RSV, opcode


def parse_header(data: bytes, offset: int = 0) -> FrameHeader | None:
    """Read the header of the frame that starts at ``offset``.

    Returns:
        The header; None if more bytes are needed.

    Raises:
        ProtocolError: The frame breaks section 5.2 or 5.5 by itself. This is raised as soon as the bytes that
            do so are there, even though the header is not complete.
    """
    available = len(data) - offset
    if available < 1:
        return None
    fin, rsv, opcode = parse_first_byte(data[offset])
    if available < 2:
        return None

    second = data[offset + 1]
    length = second & _LENGTH
    size = 2
    if length > MAX_CONTROL_SIZE:
        if opcode >= Opcode.CLOSE:
            raise ProtocolError("RFC 6455 section 5.5: control frame with more than 125 bytes")
        size = 4 if length == _TWO_BYTES else 10
        length = _parse_long_length(data[offset + 2 : offset + size], size - 2)
    if available < size:
        return None
    mask = None
    if second & _MASK:
        mask = data[offset + size : offset + size + 4]
        size += 4
        if available < size:
            return None
    return FrameHeader(fin, rsv, opcode, mask, length, size)


def _parse_long_length(field: bytes, size: int) -> int:
    """Read a length of ``size`` bytes, of which ``field`` holds those that have arrived."""
    if size == 8 and field and field[0] & 0x80:
        raise ProtocolError("RFC 6455 section 5.2: 64-bit length with its most significant bit set")
    length = int.from_bytes(field.ljust(size, b"\xff"), "big")  # what is missing may still be anything
    if length <= (0xFFFF if size == 8 else MAX_CONTROL_SIZE):
        raise ProtocolError("RFC 6455 section 5.2: length not encoded in the minimal number of bytes")
    return length


def encode_frame(
    opcode: Opcode, payload: bytes, *, fin: bool = True, rsv: int = 0, mask: bytes | None = None
) -> bytes:
    """Write a frame.

    Args:
        opcode: What the frame is.
        payload: Its payload, unmasked.
        fin: Whether it is the last of its message.
        rsv: The reserved bits, as `RSV1`, `RSV2` and `RSV3`.
        mask: A masking key of four bytes, new for each frame and not to be foretold (section 5.3), as clients
            must use it; None, as servers must: the payload is not masked.

    Returns:
        The frame. Its length takes as few bytes as it can (section 5.2).
    """
    first = (FIN if fin else 0) | rsv | opcode
    masked = 0 if mask is None else _MASK
    length = len(payload)
    if length <= MAX_CONTROL_SIZE:
        head = bytes((first, masked | length))
    elif length <= 0xFFFF:
        head = bytes((first, masked | _TWO_BYTES)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, masked | _EIGHT_BYTES)) + length.to_bytes(8, "big")
    if mask is None:
        return head + payload
    return head + mask + apply_mask(payload, mask)


def apply_mask(data: bytes, mask: bytes, offset: int = 0) -> bytes:
    """Mask or unmask ``data``, which is the same (section 5.3).

    Args:
        data: All of a payload, or a piece.
        mask: The masking key, four bytes.
        offset: Where in the payload ``data`` begins, in bytes.
    """
    shift = offset & 3
    if shift:
        mask = mask[shift:] + mask[:shift]
    size = len(data)
    if size <= _XOR_SIZE:
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
        return (int.from_bytes(data, "little") ^ key).to_bytes(size, "little")
    masked = bytearray(data)
    for i, byte in enumerate(mask):
        masked[i::4] = masked[i::4].translate(_xor_table(byte))
    return bytes(masked)


@functools.cache
def _xor_table(byte: int) -> bytes:
    return bytes(i ^ byte for i in range(256))
