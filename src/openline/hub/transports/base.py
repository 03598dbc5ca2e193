"""The contract of a transport: how a session's frames come and go.

A transport makes a `Session` when a client arrives (``hub.open_session(transport, subprotocol, request)``), gives
it what the client sends (``session.receive(frame)``), and tells it when the client is gone (``session.gone()``),
once. The session writes units and closes. Everything runs in the loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openline.websocket.connection import Connection

__all__ = ["ClientRequest", "EmulatedTransport", "Transport"]


class ClientRequest(Protocol):
    """The HTTP request a client came with, the same whatever the transport; ``session.request`` in hooks."""

    @property
    def path(self) -> str:
        """The path and the query, as they were sent."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields; names are case-insensitive."""
        ...


class Transport(Protocol):
    """One client's way in and out."""

    @property
    def name(self) -> str:
        """``websocket``, ``http_stream``, ``sse``."""
        ...

    @property
    def connection(self) -> Connection | None:
        """The WebSocket, if it is one of openline's: then units for many go by `openline.broadcast`, framed once
        for all.
        None: units come one by one by `write`."""
        ...

    @property
    def emulated(self) -> bool:
        """Whether commands come by separate requests (HTTP streaming, SSE), so that the client is told session and
        node."""
        ...

    @property
    def remote_address(self) -> str:
        """The client's IP address; empty where there is none."""
        ...

    @property
    def unsent(self) -> int:
        """Bytes that were written and wait in this process."""
        ...

    def write(self, unit: bytes) -> None:
        """Send one unit, or several that were joined. Never blocks; what the client does not take is queued.

        Where more than the hub's ``max_queue_size`` would be queued, the transport calls ``session.overrun()`` instead.
        When `unsent` was above ``write_high`` bytes and is low again, it calls ``session.drained()``.
        """

    def close(self, code: int, reason: str, *, drop: bool = False) -> None:
        """End it: what is queued leaves first, then the code. Idempotent; ``session.gone()`` follows later.

        Args:
            code: A disconnect code: the WebSocket close code; over HTTP a disconnect push comes before the end.
            reason: The reason.
            drop: Throw away what is queued (a slow client would never take it).
        """

    def pause(self) -> None:
        """Read no more commands until `resume`: the session has too many to do. Idempotent."""

    def resume(self) -> None: ...


class EmulatedTransport(Transport, Protocol):
    """One whose commands come by separate requests (`emulated`), which may reach any node: the hub hands them over."""

    def receive(self, frame: str | bytes) -> None:
        """Take a frame of commands, and keep it while the session is paused: bounded, since nothing else stops a client
        from sending more."""
