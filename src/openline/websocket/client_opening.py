"""The client's half of the opening handshake (RFC 6455 section 4.1), from its request to the server's answer."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from openline.exceptions import InvalidMessage, InvalidStatus, SecurityError, WebSocketException
from openline.protocol.http11 import MAX_HEAD_SIZE, Request, Response, find_head_end, parse_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from openline.websocket.client_connection import ClientConnection

__all__ = ["ClientOpening"]

MAX_BODY_SIZE = 2**20
"""Bytes kept of the body of a response that refuses; the rest is not read."""


class ClientOpening:
    """Receives the server's answer to one request.

    Attributes:
        outcome: Done when the connection is open; raises why it could not be opened.
    """

    __slots__ = ("_accept", "_interim", "_line", "_received", "_refusal", "_request", "outcome")

    def __init__(
        self,
        line: ClientConnection,
        request: Request,
        accept: Callable[[Response, bytes], None],
    ) -> None:
        """Args:
        line: The line to the server.
        request: What is sent.
        accept: Called with a response that grants the WebSocket and the bytes that followed it; turns the line into
            one, or raises what is wrong with the response.
        """
        self.outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line = line
        self._request = request
        self._accept = accept
        self._received = bytearray()
        self._interim = 0
        self._refusal: _Refusal | None = None

    def start(self) -> None:
        """Send the request."""
        self._line.begin_raw(self)
        self._line.write_raw(self._request.serialize())

    def data_received(self, data: bytes) -> None:
        """Take a part of the answer."""
        if self.outcome.done():
            return
        try:
            if self._refusal is not None:
                self._refusal.feed(data)
            else:
                self._read_head(data)
        except WebSocketException as exc:
            self._fail(exc)

    def _read_head(self, data: bytes) -> None:
        searched = len(self._received)
        self._received += data
        while (end := find_head_end(self._received, searched)) is not None:
            response = parse_response(bytes(self._received[:end]))
            if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                self._accept(response, bytes(self._received[end:]))
                self.outcome.set_result(None)
                return
            if response.status_code >= HTTPStatus.OK:
                self._refusal = _Refusal(self._request, response)
                self._refusal.feed(bytes(self._received))
                return
            # An interim response (RFC 9110 section 15.2); a server may send them without end.
            self._interim += end
            if self._interim > MAX_HEAD_SIZE:
                raise SecurityError(f"interim responses over {MAX_HEAD_SIZE} bytes")
            del self._received[:end]
            searched = 0

    def eof_received(self) -> None:
        """The server will send nothing more: that is the end of a body, and too early for anything else."""
        if self._refusal is not None and not self.outcome.done():
            self._fail(self._refusal.ended())
        self._line.close_descriptor()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone before there was an answer."""
        if self.outcome.done():
            return
        if self._refusal is not None:
            self._fail(self._refusal.ended())
            return
        failure = InvalidMessage("did not receive a valid HTTP response")
        failure.__cause__ = EOFError("connection closed before the server's answer was complete")
        failure.__cause__.__cause__ = exc
        self._fail(failure)

    def deadline_reached(self) -> None:
        """Nothing: the caller of ``connect`` has the clock."""

    def drained(self) -> None:
        """Nothing: what is written here is small."""

    def _fail(self, exc: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(exc)


class _Refusal:
    """Reads the body of a response that refuses, for the exception that tells of it."""

    def __init__(self, request: Request, response: Response) -> None:
        # Imported here since most handshakes do not fail.
        import h11

        self._response = response
        self._body = bytearray()
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * MAX_HEAD_SIZE)
        host = request.headers["Host"]
        self._h11.send(h11.Request(method="GET", target=request.path, headers=[("Host", host)]))
        self._h11.send(h11.EndOfMessage())

    def feed(self, data: bytes) -> None:
        """Take a part of the response, its head included.

        Raises:
            InvalidStatus: when all of the body is here, or as much as is kept.
        """
        import h11

        try:
            self._h11.receive_data(data)
            while (event := self._h11.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Data):
                    self._body += event.data
                if not isinstance(event, h11.Data | h11.Response) or len(self._body) > MAX_BODY_SIZE:
                    raise self.ended()
        except h11.RemoteProtocolError as exc:
            raise self.ended() from exc

    def ended(self) -> InvalidStatus:
        """Make the exception, with the body as far as it has come."""
        self._response.body = bytes(self._body[:MAX_BODY_SIZE])
        return InvalidStatus(self._response)
