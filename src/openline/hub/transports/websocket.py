"""A client over WebSocket: the common way, and the path of every message."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

from openline.exceptions import ConnectionClosed
from openline.hub.codes import DisconnectCode
from openline.hub.subprotocols.centrifuge_json import JSON
from openline.protocol.close_codes import CloseCode
from openline.protocol.http11 import Request, parse_request
from openline.websocket.listener import Listener

if TYPE_CHECKING:
    from openline.engine.base import Message
    from openline.hub.hub import Hub
    from openline.hub.options import HubOptions
    from openline.hub.session import Session
    from openline.hub.subprotocols.base import Subprotocol
    from openline.protocol.headers import Headers
    from openline.websocket.options import Options
    from openline.websocket.server_connection import ServerConnection

__all__ = [
    "JSON_NAME",
    "PROTOBUF_NAME",
    "ConnectionRequest",
    "WebSocketTransport",
    "hub_line_options",
    "subprotocol_of",
]

JSON_NAME = "centrifuge-json"
PROTOBUF_NAME = "centrifuge-protobuf"
"""The WebSocket subprotocol (RFC 6455 section 1.9) by which a client asks for protobuf."""


def subprotocol_of(query: str, offered: str | None) -> Subprotocol:
    """Return the encoding that a client wants.

    Args:
        query: Of the URL: ``cf_protocol=protobuf`` or ``format=protobuf``.
        offered: The WebSocket subprotocol that was agreed on.
    """
    wanted = offered == PROTOBUF_NAME
    if query and not wanted:
        fields = parse_qs(query, max_num_fields=100)
        wanted = "protobuf" in fields.get("cf_protocol", ()) or "protobuf" in fields.get("format", ())
    if wanted:
        # Only here, since it takes its time to import.
        from openline.hub.subprotocols.centrifuge_protobuf import PROTOBUF

        return PROTOBUF
    return JSON


def hub_line_options(options: Options, hub: HubOptions, write_high: int) -> Options:
    """Return what holds for a hub's connections on a server: its own bounds, and no WebSocket pings, since the
    protocol has its own."""
    return dataclasses.replace(
        options,
        ping_interval=None,
        max_message_size=hub.max_message_size,
        max_fragment_size=None,
        max_unsent=hub.max_queue_size,
        write_high=write_high,
        write_low=write_high // 4,
    )


class WebSocketTransport(Listener):
    """The listener of one connection, and the transport of its session; see `openline.hub.transports.base.Transport`.

    Args:
        hub: The hub.
        connection: The connection.
    """

    __slots__ = ("_hub", "_overrun", "_session", "_text", "connection")

    name = "websocket"
    emulated = False

    def __init__(self, hub: Hub, connection: ServerConnection) -> None:
        self._hub = hub
        self.connection = connection
        self._session: Session | None = None
        self._overrun = False
        self._text = True

    # As a listener.

    def on_open(self, ws: ServerConnection) -> None:
        """Open a session."""
        request = ConnectionRequest(ws)
        subprotocol = subprotocol_of(request.path.partition("?")[2], ws.subprotocol)
        self._text = not subprotocol.binary
        self._session = self._hub.open_session(self, subprotocol, request)

    def on_message(self, ws: ServerConnection, message: Message) -> None:
        """Give the session a frame."""
        session = self._session
        assert session is not None
        if (message.__class__ is str) is self._text:
            session.receive(message)
        else:
            session.disconnect(DisconnectCode.BAD_REQUEST)

    def on_close(self, ws: ServerConnection, code: int, reason: str) -> None:
        """The client is gone."""
        if self._session is not None:
            self._session.gone()

    def on_drain(self, ws: ServerConnection) -> None:
        """The client has caught up."""
        if self._session is not None:
            self._session.drained()

    def on_overrun(self, ws: ServerConnection) -> bool:
        """The client does not keep up at all."""
        session = self._session
        if session is None:
            return False
        if not self._overrun:
            # Later: now the engine is in the middle of writing.
            self._overrun = True
            ws.loop.call_soon(session.overrun)
        return True

    # As a transport.

    @property
    def remote_address(self) -> str:
        """The client's IP address; empty for a Unix socket."""
        address: Any = self.connection.remote_address
        return str(cast("tuple[object, ...]", address)[0]) if isinstance(address, tuple) else ""

    @property
    def unsent(self) -> int:
        """Bytes that wait in this process."""
        return self.connection.unsent

    def write(self, unit: bytes) -> None:
        """Send a frame."""
        try:  # noqa: SIM105  # on the path of every message
            self.connection.send_nowait(unit, text=self._text)
        except ConnectionClosed:
            pass  # `on_close` is on its way

    def close(self, code: int, reason: str, *, drop: bool = False) -> None:
        """Close the connection with the disconnect code."""
        if drop:
            self.connection.drop_unsent()
        self.connection.begin_close(cast("CloseCode", code), reason)

    def pause(self) -> None:
        """Read nothing more."""
        self.connection.pause()

    def resume(self) -> None:
        """Read on."""
        self.connection.resume()


class ConnectionRequest:
    """The request of a connection's handshake: kept raw, and parsed for who asks; parsed, it would weigh more than
    the session."""

    __slots__ = ("_connection",)

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    def _parsed(self) -> Request:
        request = self._connection.extra.request
        assert request is not None
        return request if isinstance(request, Request) else parse_request(request)

    @property
    def path(self) -> str:
        """Path and query."""
        request = self._connection.extra.request
        if isinstance(request, bytes):
            # Parsed once already, so the target stands between the first two spaces; every client's is asked for.
            return request.split(b" ", 2)[1].decode("iso-8859-1")
        return self._parsed().path

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self._parsed().headers
