"""What `openline.serve` can serve besides handlers and listeners: applications that bring both, and their HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from openline.protocol.http11 import Request, Response
    from openline.websocket.http import HTTPHandler
    from openline.websocket.listener import Listener
    from openline.websocket.server_connection import ServerConnection

__all__ = ["Servable", "Serving"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How an application wants to be served; the fields mean what they mean to `openline.serve`.

    Attributes:
        listener: Called with each connection; None from it: the connection is the handler's.
        handler: For connections that ``listener`` does not want. None: there are none.
        process_request: Sees each request before it is accepted.
        select_subprotocol: Chooses a subprotocol.
        http: Gets the requests that are no upgrade.
        start: Awaited before the server accepts anything; what it raises, ``serve`` raises.
        closing: Called when the server begins to close, before it closes connections by itself.
        closed: Awaited when no connection is left.
    """

    listener: Callable[[ServerConnection], Listener | None]
    handler: Callable[[ServerConnection], Awaitable[None]] | None = None
    process_request: (
        Callable[[ServerConnection, Request], Awaitable[Response | None] | Response | None] | None
    ) = None
    select_subprotocol: Callable[[ServerConnection, Sequence[str]], str | None] | None = None
    http: HTTPHandler | None = None
    start: Callable[[], Awaitable[None]]
    closing: Callable[[], None]
    closed: Callable[[], Awaitable[None]]


@runtime_checkable
class Servable(Protocol):
    """An application that `openline.serve` can be given in place of a handler, such as a hub."""

    def serving(self, *, http: HTTPHandler | None = None) -> Serving:
        """Say how it is to be served.

        Args:
            http: Gets the HTTP requests that the application does not answer itself. None: there is no such handler.
        """
        ...
