"""The messages of a room, byte for byte: what players send by ``send``, and what they get as pushes.

All numbers are little-endian. No message begins with a byte that JSON may begin with, so that none is taken for JSON.

Up, a first byte and then::

    1  input            ack u32 · number u32 · what the game makes of it, up to `Room.max_input` bytes
    2  acknowledgement  ack u32

``ack`` is the tick of the newest state that the player has. 0: it has none; and in an acknowledgement alone, it wants
all that it sees once more. ``number`` grows from input to input.

Down::

    2  state    flags u8 · tick u32 · base u32 · input u32 · total u16 · refused u16
                · gone u16 · entered u16 · changed u16, and then as many: ids (u16) of entities that have gone from
                sight, those that have come into sight, and those that have changed, packed as
                `openline.rooms.entity` says
    3  event    what the game makes of it
    4  over     code u16 · reason in UTF-8: the player has no seat any more

Of a state, ``flags`` 1 says: forget what you knew, this is all that you see. ``base`` is the tick of the state before,
against which this one is (0: against nothing). ``input`` is the number of the last input that was applied, or left out.
``total`` counts the entities of the room, ``refused`` is the error code of an input that was refused since the state
before (0: none was).
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TypeAlias

from openline.hub.codes import ErrorCode, Refused

__all__ = ["EVENT", "FULL", "OVER", "STATE", "Input", "Over", "event", "over", "read_input", "state_head"]

INPUT, ACKNOWLEDGEMENT = 1, 2
STATE, EVENT, OVER = 2, 3, 4

FULL = 1
"""The flag of a state that stands for itself."""

_INPUT = Struct("<BII")
_INPUT_SIZE, _unpack_input = _INPUT.size, _INPUT.unpack_from
_ACKNOWLEDGEMENT = Struct("<BI")
STATE_HEAD = Struct("<BBIIIHHHHH")
_OVER = Struct("<BH")


class Over(IntEnum):
    """Why a player has no seat any more."""

    LEFT = 0
    """He left, or the game sent him away."""
    CLOSED = 1
    """The room has closed."""
    TAKEN = 2
    """He came back by another line, which has the seat now."""
    FAILED = 3
    """The game has failed."""


Input: TypeAlias = tuple[int, int, bytes]
"""What a player sends: the tick of the newest state that he has (0: none), the input's number (0: it is an
acknowledgement alone), and the input."""


def read_input(message: object, most: int) -> Input:
    """Take a message of a player apart.

    Args:
        message: As the hub gives it.
        most: Bytes of an input at most.

    Raises:
        Refused: 107, it is malformed; 106, it is too long.
    """
    if type(message) is bytes and message:
        kind, size = message[0], len(message)
        if kind == INPUT and size >= _INPUT_SIZE:
            if size > _INPUT_SIZE + most:
                raise Refused(ErrorCode.LIMIT_EXCEEDED)
            _, acknowledged, number = _unpack_input(message)
            if number:
                return acknowledged, number, message[_INPUT_SIZE:]
        elif kind == ACKNOWLEDGEMENT and size == _ACKNOWLEDGEMENT.size:
            return _ACKNOWLEDGEMENT.unpack(message)[1], 0, b""
    raise Refused(ErrorCode.BAD_REQUEST)


def event(data: bytes) -> bytes:
    """Make the message of an event."""
    return bytes((EVENT,)) + data


def over(code: int, reason: str = "") -> bytes:
    """Make the message that ends a seat."""
    return _OVER.pack(OVER, code) + reason.encode()


state_head = STATE_HEAD.pack
"""Make the beginning of a state."""
