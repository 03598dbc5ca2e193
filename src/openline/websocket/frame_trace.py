"""Watching the frames of a connection: in the log, and for whoever sets ``ws.tap``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from openline.exceptions import ProtocolError
from openline.protocol.frames import FrameHeader, Opcode
from openline.websocket.frame_cutter import FrameBeginning, FrameCutter

if TYPE_CHECKING:
    from openline.engine.base import BytesLike
    from openline.websocket.options import LoggerLike

__all__ = ["FrameTrace", "Tap", "TraceToBe", "log_frames"]

Tap: TypeAlias = "Callable[[Literal['in', 'out'], BytesLike], None]"
"""Called with the bytes of each direction, as they are on the wire (with TLS: inside it)."""

# Payload bytes of a frame that stand in the log.
_SHOWN = 64


class FrameTrace:
    """What a line tells of its frames goes to a tap, to the log, or to both.

    Args:
        tap: Gets all bytes.
        logger: Gets one line for each frame, at level DEBUG; None: no log.
    """

    __slots__ = ("_received", "_sent", "tap")

    def __init__(self, tap: Tap | None, logger: LoggerLike | None) -> None:
        self.tap = tap
        self._received = None if logger is None else _Direction("<", logger)
        self._sent = None if logger is None else _Direction(">", logger)

    def received(self, data: BytesLike) -> None:
        """Bytes arrived; frames may be cut anywhere."""
        if self.tap is not None:
            self.tap("in", data)
        if self._received is not None:
            self._received.feed(data)

    def sent(self, data: BytesLike) -> None:
        """Frames were handed to the line."""
        if self.tap is not None:
            self.tap("out", data)
        if self._sent is not None:
            self._sent.feed(data)


class TraceToBe(FrameTrace):
    """Keeps a tap until the connection is open: what a line writes before that is HTTP, and no frames."""

    __slots__ = ()

    def sent(self, data: BytesLike) -> None:
        """Nothing that a tap is for."""


class _Direction:
    """Logs the beginning of each frame that passes in one direction."""

    __slots__ = ("_cutter", "_logger", "_sign")

    def __init__(self, sign: str, logger: LoggerLike) -> None:
        self._sign = sign
        self._logger = logger
        self._cutter = FrameCutter(_SHOWN)

    def feed(self, data: BytesLike) -> None:
        try:
            for frame in self._cutter.feed(data):
                self._log(frame)
        except ProtocolError as error:
            self._logger.debug("%s no frame: %s", self._sign, error)

    def _log(self, frame: FrameBeginning) -> None:
        header, payload = frame.header, frame.payload
        more = "..." if len(payload) < header.length else ""
        rest = "" if header.fin else ", to be continued"
        bits = f", reserved bits {header.rsv:#04x}" if header.rsv else ""
        self._logger.debug(
            "%s %s %s%s [%d bytes%s%s]",
            self._sign,
            header.opcode.name,
            _shown(header, payload),
            more,
            header.length,
            rest,
            bits,
        )


def _shown(header: FrameHeader, payload: bytes) -> str:
    """Text as text, where it is whole and not compressed; all else in hexadecimal digits."""
    if header.opcode is Opcode.TEXT and not header.rsv:
        try:
            return repr(payload.decode())
        except UnicodeDecodeError:
            pass
    return payload.hex(" ")


def log_frames(logger: LoggerLike) -> LoggerLike | None:
    """Return ``logger`` if it would write what is logged of frames, else None."""
    return logger if logger.isEnabledFor(logging.DEBUG) else None
