"""A session that speaks by the body of one long HTTP response, and hears by requests of their own.

What HTTP streaming and SSE have in common. The first commands come with the request that the response answers; those
after it go to `openline.hub.transports.emulation`, which finds the session by a secret that only its client was told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from openline.hub.codes import DisconnectCode, reconnects
from openline.hub.subprotocols.messages import DisconnectPush, Push, Reply
from openline.hub.transports.incoming import KeptRequest, address_of
from openline.hub.transports.outbox import Outbox
from openline.websocket.http import HTTPResponse

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.session import Session
    from openline.hub.subprotocols.base import Subprotocol
    from openline.hub.transports.incoming import Incoming

__all__ = ["StreamTransport", "open_stream"]

_HEADERS = {
    # A proxy that gathers the body, or compresses it in blocks, would keep everything to itself.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}


class StreamTransport:
    """The transport of such a session, and its body; see `openline.hub.transports.base.Transport`.

    Args:
        hub: The hub.
        request: What the client came with.
        name: ``http_stream`` or ``sse``.
        subprotocol: The encoding.
        frame: Makes a piece of the body of a unit.
    """

    __slots__ = (
        "_ended",
        "_frame",
        "_outbox",
        "_paused",
        "_subprotocol",
        "_waiting",
        "_waiting_size",
        "hub",
        "name",
        "remote_address",
        "session",
    )

    connection = None
    emulated = True

    def __init__(
        self,
        hub: Hub,
        request: Incoming,
        name: str,
        subprotocol: Subprotocol,
        frame: Callable[[bytes], bytes],
    ) -> None:
        self.hub = hub
        self.name = name
        self.remote_address = address_of(request.remote_address)
        self._subprotocol = subprotocol
        self._frame = frame
        self._outbox = Outbox(hub.options.max_queue_size, hub.write_high, self._caught_up)
        self._paused = False
        self._waiting: deque[str | bytes] = deque()
        self._waiting_size = 0
        self._ended = False
        self.session: Session = hub.open_session(self, subprotocol, KeptRequest(request))

    # Commands.

    def receive(self, frame: str | bytes) -> None:
        """Take a frame of commands that came by a request of its own.

        While the session is to read nothing, it waits; where more than ``max_waiting_commands`` bytes wait, the
        session ends with 3013.
        """
        if not self._paused:
            self._give(frame)
            return
        self._waiting_size += len(frame)
        if self._waiting_size > self.hub.options.max_waiting_commands:
            self.session.disconnect(DisconnectCode.TOO_MANY_REQUESTS)
            return
        self._waiting.append(frame)

    def _give(self, frame: str | bytes) -> None:
        if self._subprotocol.binary is isinstance(frame, str):
            self.session.disconnect(DisconnectCode.BAD_REQUEST)
        else:
            self.session.receive(frame)

    def pause(self) -> None:
        """Give the session nothing more."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        while self._waiting and not self._paused:
            frame = self._waiting.popleft()
            self._waiting_size -= len(frame)
            self._give(frame)

    # What is sent.

    @property
    def unsent(self) -> int:
        """Bytes that wait in this process, but for those that the server has taken from here."""
        return self._outbox.unsent

    def write(self, unit: bytes) -> None:
        """Send a unit."""
        if not self._outbox.put(self._frame(unit)):
            self.session.overrun()

    def _caught_up(self) -> None:
        self.session.drained()

    def close(self, code: int, reason: str, *, drop: bool = False) -> None:
        """End the body, with a push that says why."""
        push = DisconnectPush(code=code, reason=reason, reconnect=reconnects(code))
        last = self._subprotocol.encode(Reply(push=Push(disconnect=push)))
        self._outbox.finish(self._frame(last), drop=drop)
        self._waiting.clear()

    # The body.

    def __aiter__(self) -> StreamTransport:
        """The body itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece of the body.

        Cancel: safe.
        """
        pieces = await self._outbox.take()
        if not pieces:
            await self.aclose()
            raise StopAsyncIteration
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def aclose(self) -> None:
        """The response has ended, or its client is gone. Idempotent."""
        if not self._ended:
            self._ended = True
            self._outbox.finish(drop=True)
            self._waiting.clear()
            self.session.gone()


def open_stream(transport: StreamTransport, frame: str | bytes, content_type: str) -> HTTPResponse:
    """Give a new session its first commands, and return the response that it speaks by.

    Args:
        transport: The session's.
        frame: The first commands.
        content_type: Of the response.
    """
    transport.session.receive(frame)
    return HTTPResponse(200, {**_HEADERS, "Content-Type": content_type}, transport)
