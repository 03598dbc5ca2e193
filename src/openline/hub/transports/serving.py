"""How `openline.serve` serves a hub: which paths are its own, and who may come."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from openline.hub.auth.origins import origin_allowed
from openline.hub.transports.http import HubHTTP
from openline.hub.transports.websocket import JSON_NAME, PROTOBUF_NAME, WebSocketTransport, hub_line_options
from openline.protocol.http11 import Response
from openline.websocket.plain_response import plain_response
from openline.websocket.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openline.hub.hub import Hub
    from openline.protocol.http11 import Request
    from openline.websocket.http import HTTPHandler
    from openline.websocket.options import Options
    from openline.websocket.server_connection import ServerConnection

__all__ = ["WEBSOCKET_PATH", "Mount", "serving"]

WEBSOCKET_PATH = "/connection/websocket"
"""Where clients connect, behind the prefix."""

logger = logging.getLogger("openline.hub")


def serving(
    hub: Hub,
    *,
    prefix: str = "",
    http: HTTPHandler | None = None,
    handler: Callable[[ServerConnection], Awaitable[None]] | None = None,
) -> Serving:
    """Describe for `openline.serve` what is to be served.

    Args:
        hub: The hub; started, and later closed, with the server, unless it was started before.
        prefix: What stands before the hub's paths: ``/hub``.
        http: Gets the HTTP requests that are not the hub's. None: they are answered with 404.
        handler: Gets the WebSockets that are not the hub's, likewise.
    """
    path = prefix + WEBSOCKET_PATH
    routes = HubHTTP(hub, prefix=prefix, fallback=http)
    line_options: list[Options] = []
    began = False

    def is_ours(target: str) -> bool:
        return target.partition("?")[0] == path

    def process_request(
        ws: ServerConnection, request: Request
    ) -> Awaitable[Response | None] | Response | None:
        if not is_ours(request.path):
            return None if handler is not None else plain_response(HTTPStatus.NOT_FOUND, "Not found.\n")
        headers = request.headers
        if not origin_allowed(headers.get("Origin"), headers.get("Host", ""), hub.options.allowed_origins):
            logger.info("connection refused: a page of %r must not connect", headers.get("Origin"))
            return plain_response(HTTPStatus.FORBIDDEN, "This page must not connect: see allowed_origins.\n")
        if hub.draining:
            return plain_response(HTTPStatus.SERVICE_UNAVAILABLE, "Server is shutting down.\n")
        return None

    def make_listener(ws: ServerConnection) -> WebSocketTransport | None:
        request = ws.request
        if request is None or not is_ours(request.path):
            return None
        # Once for the server: connections of a hub have bounds of their own.
        if not line_options:
            line_options.append(hub_line_options(ws.options, hub.options, hub.write_high))
        ws.options = line_options[0]
        return WebSocketTransport(hub, ws)

    def select_subprotocol(ws: ServerConnection, offered: Sequence[str]) -> str | None:
        # Browsers demand one of those that they offered.
        return next((name for name in (PROTOBUF_NAME, JSON_NAME) if name in offered), None)

    async def start() -> None:
        nonlocal began
        if not hub.started_at:
            await hub.start()
            began = True

    def closing() -> None:
        hub.dismiss_all()

    async def closed() -> None:
        if began:
            await hub.close()

    return Serving(
        listener=make_listener,
        handler=handler,
        process_request=process_request,
        select_subprotocol=select_subprotocol,
        http=routes,
        start=start,
        closing=closing,
        closed=closed,
    )


class Mount:
    """A hub beside other handlers; made by `Hub.beside`.

    Args:
        hub: The hub.
        handler: Gets the WebSockets that are not the hub's; None: there are none.
        prefix: What stands before the hub's paths.
    """

    def __init__(
        self, hub: Hub, handler: Callable[[ServerConnection], Awaitable[None]] | None, prefix: str
    ) -> None:
        self._hub = hub
        self._handler = handler
        self._prefix = prefix

    def serving(self, *, http: HTTPHandler | None = None) -> Serving:
        """See `openline.websocket.serving.Servable`."""
        return serving(self._hub, prefix=self._prefix, http=http, handler=self._handler)
