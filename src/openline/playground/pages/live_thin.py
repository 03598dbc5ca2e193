"""A line of the hub that lets few bytes a second through, as that of a phone in a train: a slow reader.

It is a transport of the hub like any other, which hands its frames to the socket no faster than it is allowed to. What
waits here counts as unsent, and so the hub sees a client that does not keep up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast
from urllib.parse import parse_qs, urlsplit

from openline.exceptions import ConnectionClosed
from openline.hub import Hub
from openline.hub.subprotocols.centrifuge_json import JSON
from openline.playground.inspector import handshake_of
from openline.protocol.close_codes import CloseCode
from openline.websocket.listener import Listener
from openline.websocket.server_connection import ServerConnection

__all__ = ["ThinLine"]

_LEAST, _USUAL, _MOST = 2_000, 16_000, 64_000
"""Bytes a second."""


class ThinLine(Listener):
    """The listener of such a line, and the transport of its session.

    Args:
        hub: The hub.
        ws: The line; ``?rate=`` in its path says how many bytes a second it lets through.

    Attributes:
        unsent: Bytes that wait here.
    """

    name = "websocket"
    connection = None
    emulated = False

    def __init__(self, hub: Hub, ws: ServerConnection) -> None:
        self._hub = hub
        self._ws = ws
        self._rate = _USUAL
        self._waiting: deque[bytes] = deque()
        self._behind = False
        self._timer: asyncio.TimerHandle | None = None
        self._closing: tuple[int, str] | None = None
        self.unsent = 0

    # As a listener.

    def on_open(self, ws: ServerConnection) -> None:
        """Open a session."""
        request = handshake_of(ws)[0]
        self._rate = rate_of(request.path)
        self._session = self._hub.open_session(self, JSON, request)

    def on_message(self, ws: ServerConnection, message: str | bytes) -> None:
        """Give it a frame of commands."""
        self._session.receive(message)

    def on_close(self, ws: ServerConnection, code: int, reason: str) -> None:
        """The client is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        self._session.gone()

    # As a transport.

    @property
    def remote_address(self) -> str:
        """Not said."""
        return ""

    def write(self, unit: bytes) -> None:
        """Have a frame wait until it may go."""
        if self._closing is not None:
            return
        if self.unsent + len(unit) > self._hub.options.max_queue_size:
            self._ws.loop.call_soon(self._session.overrun)
            return
        self._waiting.append(unit)
        self.unsent += len(unit)
        self._behind = self._behind or self.unsent > self._hub.write_high
        if self._timer is None:
            self._send()

    def _send(self) -> None:
        self._timer = None
        if not self._waiting:
            if self._closing is not None:
                self._end()
            return
        unit = self._waiting.popleft()
        try:
            self._ws.send_nowait(unit, text=True)
        except ConnectionClosed:
            return  # `on_close` is on its way
        # It has left when its time is over, and not before.
        self._timer = self._ws.loop.call_later(len(unit) / self._rate, self._sent, len(unit))

    def _sent(self, size: int) -> None:
        self.unsent -= size
        if self._behind and self.unsent <= self._hub.write_high // 4:
            self._behind = False
            self._session.drained()
        self._send()

    def close(self, code: int, reason: str, *, drop: bool = False) -> None:
        """Close the line once what waits has gone."""
        if self._closing is None:
            self._closing = code, reason
            if drop:
                self._waiting.clear()
            if self._timer is None:
                self._end()

    def _end(self) -> None:
        assert self._closing is not None
        code, reason = self._closing
        self._ws.begin_close(cast("CloseCode", code), reason)

    def pause(self) -> None:
        """Read no more commands."""
        self._ws.pause()

    def resume(self) -> None:
        """Read on."""
        self._ws.resume()


def rate_of(path: str) -> int:
    """Return how many bytes a second the query of a path asks for, within reason."""
    asked = parse_qs(urlsplit(path).query, max_num_fields=20).get("rate", [""])[0]
    return (
        min(max(int(asked), _LEAST), _MOST)
        if asked.isascii() and asked.isdigit() and len(asked) < 8
        else _USUAL
    )
