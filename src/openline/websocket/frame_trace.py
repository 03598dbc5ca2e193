"""Watching the frames of a connection: in the log, and for whoever sets ``ws.tap``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from openline.exceptions import ProtocolError
from openline.protocol.frames import FrameHeader, Opcode, apply_mask, parse_header

if TYPE_CHECKING:
    from openline.engine.base import BytesLike
    from openline.websocket.options import LoggerLike

__all__ = ["FrameTrace", "Tap"]

Tap: TypeAlias = "Callable[[Literal['in', 'out'], BytesLike], None]"
"""Called with the bytes of each direction, as they are on the wire (with TLS: inside it)."""

_MAX_HEADER = 14
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


class _Direction:
    """Cuts one direction into frames, and logs the beginning of each; holds at most a header and `_SHOWN` bytes."""

    __slots__ = ("_logger", "_passing", "_sign", "_start")

    def __init__(self, sign: str, logger: LoggerLike) -> None:
        self._sign = sign
        self._logger = logger
        self._start = b""
        self._passing = 0  # bytes of a frame already logged that are still to come

    def feed(self, data: BytesLike) -> None:
        rest = bytes(data)
        while rest:
            passed = min(self._passing, len(rest))
            self._passing -= passed
            start = self._start + rest[passed:]
            try:
                header = parse_header(start)
            except ProtocolError as error:
                self._logger.debug("%s not a frame: %s", self._sign, error)
                self._start = b""
                return
            if header is None or len(start) < header.size + min(header.length, _SHOWN):
                self._start = start
                return
            self._log(header, start[header.size : header.size + min(header.length, _SHOWN)])
            size = header.size + header.length
            self._start = b""
            self._passing = max(0, size - len(start))
            rest = start[size:]

    def _log(self, header: FrameHeader, shown: bytes) -> None:
        if header.mask is not None:
            shown = apply_mask(shown, header.mask)
        text = repr(shown.decode()) if header.opcode is Opcode.TEXT and _is_text(shown) and not header.rsv else shown.hex(" ")
        more = "..." if len(shown) < header.length else ""
        flags = "" if header.fin else ", continued"
        rsv = f", rsv {header.rsv:#04x}" if header.rsv else ""
        self._logger.debug(
            "%s %s %s%s [%d bytes%s%s]", self._sign, header.opcode.name, text, more, header.length, flags, rsv
        )


def _is_text(shown: bytes) -> bool:
    try:
        shown.decode()
    except UnicodeDecodeError:
        return False
    return True


def log_frames(logger: LoggerLike) -> LoggerLike | None:
    """Return ``logger`` if it would write what is logged of frames, else None."""
    return logger if logger.isEnabledFor(logging.DEBUG) else None
