"""The end of a line that never became a WebSocket, such that the peer gets all that was written for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openline.engine.base import Line, RawReceiver

__all__ = ["LingeringClose"]

DEFAULT_TIMEOUT = 10.0
"""Seconds that the peer has to close its side where ``close_timeout`` is None: it has refused nothing, and is owed
nothing."""


class LingeringClose:
    """Receives the last bytes of a line: end our side, discard what comes, close when the peer has.

    Closing at once would make the kernel answer with a reset what the peer still sends, and the reset destroys the
    response on its way (RFC 6455 section 7.1.1, RFC 9112 section 9.6).
    """

    __slots__ = ("_line", "_owner")

    def __init__(self, line: Line, owner: RawReceiver) -> None:
        """Args:
        line: The line to close.
        owner: Who had it until now, and is told when it is lost.
        """
        self._line = line
        self._owner = owner

    def start(self, timeout: float | None) -> None:
        """Begin, once the last byte was written; give the peer ``timeout`` seconds."""
        line = self._line
        line.begin_raw(self)
        line.half_close()
        line.discard()
        line.set_deadline(DEFAULT_TIMEOUT if timeout is None else timeout)

    def data_received(self, data: bytes) -> None:
        """Nothing: it is discarded."""

    def drained(self) -> None:
        """Nothing: nothing more is written."""

    def eof_received(self) -> None:
        """The peer has closed its side too."""
        self._line.close_descriptor()

    def deadline_reached(self) -> None:
        """The peer does not close its side."""
        self._line.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._owner.connection_lost(exc)
