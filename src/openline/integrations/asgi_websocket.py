"""A WebSocket of ASGI as a transport of the hub.

The server owns the socket, and says that it was written to only by returning from ``send``. So there is a task for each
client that sends, one unit after the other, from a queue that is bounded in bytes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from openline.hub.auth.origins import origin_allowed
from openline.hub.codes import DisconnectCode
from openline.hub.transports.incoming import KeptRequest, address_of
from openline.hub.transports.outbox import Outbox
from openline.hub.transports.websocket import PROTOBUF_NAME, subprotocol_of
from openline.protocol.close_codes import CloseCode

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.session import Session
    from openline.hub.subprotocols.base import Subprotocol
    from openline.integrations.asgi_http import ASGIRequest, Receive, Scope, Send

__all__ = ["CLOSE_TIMEOUT", "ASGITransport", "serve_websocket"]

CLOSE_TIMEOUT = 10.0
"""Seconds that a client has to take what waits for it, and the close frame."""

logger = logging.getLogger("openline.hub")


class ASGITransport:
    """See `openline.hub.transports.base.Transport`.

    Args:
        hub: The hub.
        request: The request of the handshake.
        subprotocol: The encoding.
    """

    __slots__ = (
        "_close",
        "_limit",
        "_max_size",
        "_outbox",
        "_readable",
        "_subprotocol",
        "remote_address",
        "session",
    )

    name = "websocket"
    connection = None
    emulated = False

    def __init__(self, hub: Hub, request: ASGIRequest, subprotocol: Subprotocol) -> None:
        self.remote_address = address_of(request.remote_address)
        self._max_size = hub.options.max_message_size
        self._subprotocol = subprotocol
        self._outbox = Outbox(hub.options.max_queue_size, hub.write_high, self._caught_up)
        self._readable = asyncio.Event()
        self._readable.set()
        self._limit: asyncio.Timeout | None = None
        self._close: tuple[int, str] = (CloseCode.NORMAL_CLOSURE, "")
        self.session: Session = hub.open_session(self, subprotocol, KeptRequest(request))

    @property
    def unsent(self) -> int:
        """Bytes that wait in this process, but for those that the server has taken."""
        return self._outbox.unsent

    def write(self, unit: bytes) -> None:
        """Send a frame."""
        if not self._outbox.put(unit):
            self.session.overrun()

    def _caught_up(self) -> None:
        self.session.drained()

    def close(self, code: int, reason: str, *, drop: bool = False) -> None:
        """Close it with the disconnect code, when what is queued has left."""
        self._end(code, reason, drop=drop)

    def _end(self, code: int, reason: str, *, drop: bool = False) -> None:
        self._close = (code, reason)
        self._outbox.finish(drop=drop)
        self._readable.set()
        if self._limit is not None and self._limit.when() is None:
            self._limit.reschedule(asyncio.get_running_loop().time() + CLOSE_TIMEOUT)

    def pause(self) -> None:
        """Receive nothing more."""
        self._readable.clear()

    def resume(self) -> None:
        """Go on."""
        self._readable.set()

    async def run(self, receive: Receive, send: Send) -> None:
        """Carry messages until the client is gone, or has had `CLOSE_TIMEOUT` to go."""
        sender = asyncio.ensure_future(self._send_all(send))
        try:
            async with asyncio.timeout(None) as self._limit:
                if self.session.closed:
                    self._limit.reschedule(asyncio.get_running_loop().time() + CLOSE_TIMEOUT)
                while True:
                    await self._readable.wait()
                    event = await receive()
                    if event["type"] == "websocket.disconnect":
                        break
                    if event["type"] == "websocket.receive":
                        self._take(event)
        except TimeoutError:
            logger.info("%r: the client does not take its close frame", self.session)
        finally:
            self._limit = None
            self._outbox.finish(drop=True)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            self.session.gone()

    def _take(self, event: Any) -> None:
        text, data = event.get("text"), event.get("bytes")
        frame: str | bytes = data if text is None else text
        if len(frame) > self._max_size or (text is not None and len(text.encode()) > self._max_size):
            self._end(CloseCode.MESSAGE_TOO_BIG, f"message is larger than {self._max_size} bytes", drop=True)
            self.session.gone()
        elif self._subprotocol.binary is isinstance(frame, str):
            self.session.disconnect(DisconnectCode.BAD_REQUEST)
        else:
            self.session.receive(frame)

    async def _send_all(self, send: Send) -> None:
        kind = "bytes" if self._subprotocol.binary else "text"
        while units := await self._outbox.take():
            for unit in units:
                await send({"type": "websocket.send", kind: unit if kind == "bytes" else unit.decode()})
        code, reason = self._close
        await send({"type": "websocket.close", "code": int(code), "reason": reason})


async def serve_websocket(hub: Hub, request: ASGIRequest, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a client that has come to the hub's path.

    Args:
        hub: The hub; started.
        request: The request of the handshake.
        scope: Of the connection.
        receive: Of the connection.
        send: Of the connection.
    """
    await receive()  # websocket.connect
    headers = request.headers
    if not origin_allowed(headers.get("Origin"), headers.get("Host", ""), hub.options.allowed_origins):
        logger.info("connection refused: a page of %r must not connect", headers.get("Origin"))
        await send({"type": "websocket.close", "code": int(CloseCode.POLICY_VIOLATION)})
        return
    if hub.draining:
        # Before it is accepted, a server answers this with 403 whatever it is; so it is accepted first.
        await send({"type": "websocket.accept"})
        code = DisconnectCode.SHUTDOWN
        await send({"type": "websocket.close", "code": int(code), "reason": code.reason})
        return
    agreed = PROTOBUF_NAME if PROTOBUF_NAME in scope.get("subprotocols", ()) else None
    await send({"type": "websocket.accept", "subprotocol": agreed})
    transport = ASGITransport(hub, request, subprotocol_of(request.query, agreed))
    await transport.run(receive, send)
