"""What a player sees, from the states that he gets: the other end of a room, for clients in Python.

It is the same that clients in other languages do, in few lines, and what the tests hold the server against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

from openline.rooms.messages import ACKNOWLEDGEMENT, FULL, INPUT, STATE, STATE_HEAD

__all__ = ["BadState", "State", "View"]


class BadState(Exception):
    """A state that makes no sense to this view: it is malformed, or against another than the last."""


class State(NamedTuple):
    """What a state said beside its entities.

    Attributes:
        tick: Its number.
        input: The last input that was applied.
        total: Entities of the room.
        refused: The error code of an input that was refused; 0: none was.
        full: It stood for itself.
    """

    tick: int
    input: int
    total: int
    refused: int
    full: bool


class View:
    """What is in sight.

    Args:
        kinds: What the room says of its kinds: ``kinds`` in the answer of ``join``.

    Attributes:
        entities: Values by field, by id; ``kind`` is the kind's name.
        tick: Of the last state; 0: there was none. To be acknowledged.
    """

    def __init__(self, kinds: Sequence[Mapping[str, Any]]) -> None:
        self.entities: dict[int, dict[str, Any]] = {}
        self.tick = 0
        self._kinds = kinds
        self._kind_of: dict[int, int] = {}

    def apply(self, message: bytes) -> State:
        """Take a state.

        Raises:
            BadState: it cannot be applied, and what was in sight is forgotten. Send `acknowledgement` once, and leave
                out what comes until a whole one does.
        """
        try:
            return self._apply(message)
        except (StructError, IndexError, KeyError, UnicodeDecodeError) as error:
            self.forget()
            raise BadState(f"{type(error).__name__}: {error}") from error

    def forget(self) -> None:
        """Begin anew, as after a new line."""
        self.entities.clear()
        self._kind_of.clear()
        self.tick = 0

    def _apply(self, message: bytes) -> State:
        kind, flags, tick, base, applied, total, refused, gone, entered, changed = STATE_HEAD.unpack_from(
            message
        )
        full = bool(flags & FULL)
        if kind != STATE or (not full and base != self.tick):
            last = self.tick
            self.forget()
            raise BadState(f"a state against {base}, but the last was {last}")
        if full:
            self.forget()
        at = STATE_HEAD.size
        for _ in range(gone):
            entity = int.from_bytes(message[at : at + 2], "little")
            at += 2
            del self.entities[entity], self._kind_of[entity]
        for _ in range(entered):
            entity, kind = _ENTERED.unpack_from(message, at)
            at += _ENTERED.size
            values = self.entities[entity] = {"kind": self._kinds[kind]["name"]}
            self._kind_of[entity] = kind
            at = self._read(message, at, kind, -1, values)
        for _ in range(changed):
            entity = int.from_bytes(message[at : at + 2], "little")
            kind = self._kind_of[entity]
            width = 1 if len(self._kinds[kind]["fields"]) <= 8 else 2
            mask = int.from_bytes(message[at + 2 : at + 2 + width], "little")
            at = self._read(message, at + 2 + width, kind, mask, self.entities[entity])
        if at != len(message):
            raise IndexError("there is more than the state says")
        self.tick = tick
        return State(tick, applied, total, refused, full)

    def _read(self, message: bytes, at: int, kind: int, mask: int, values: dict[str, Any]) -> int:
        for place, field in enumerate(self._kinds[kind]["fields"]):
            if not mask >> place & 1:
                continue
            if field["shape"] == "text":
                end = at + 1 + message[at]
                values[field["name"]] = message[at + 1 : end].decode()
            else:
                end = at + _WIDTHS[field["code"]]
                steps = int.from_bytes(message[at:end], "little")
                values[field["name"]] = field["low"] + steps * field["step"]
            if end > len(message):
                raise IndexError("a field is cut off")
            at = end
        return at

    def input(self, number: int, data: bytes) -> bytes:
        """Make the message of an input.

        Args:
            number: Above that of the last one.
            data: The input.
        """
        return _INPUT.pack(INPUT, self.tick, number) + data

    def acknowledgement(self) -> bytes:
        """Make the message that acknowledges the last state alone."""
        return _ACKNOWLEDGEMENT.pack(ACKNOWLEDGEMENT, self.tick)


_ENTERED = Struct("<HB")
_INPUT = Struct("<BII")
_ACKNOWLEDGEMENT = Struct("<BI")
_WIDTHS = {"B": 1, "H": 2, "I": 4}
