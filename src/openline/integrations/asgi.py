"""The hub as an ASGI application: alone, around another application, or mounted in one.

It serves the same paths by the same code as `openline.serve` does; the hub must run in one event loop, so the server
must have one worker process for each hub. Around another application, or alone, it starts and closes the hub by the
lifespan events; an application that is mounted gets none, so there ``async with hub:`` belongs into the lifespan of
the application around it. Where nobody has started the hub, the first request does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from openline.exceptions import InvalidHeader
from openline.hub.brokers.base import BrokerDown
from openline.hub.transports.http import HubHTTP
from openline.hub.transports.serving import WEBSOCKET_PATH
from openline.integrations.asgi_http import ASGIRequest, send_response
from openline.integrations.asgi_websocket import serve_websocket
from openline.integrations.lifespan import Lifespan
from openline.websocket.http import HTTPRequestError, HTTPResponse

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.integrations.asgi_http import Receive, Scope, Send

__all__ = ["HubASGI"]

logger = logging.getLogger("openline.hub")

Application = Callable[[Any, Any, Any], Awaitable[None]]


class _NotOurs(Exception):
    """The path is none of the hub's."""


async def _give_away(request: object) -> HTTPResponse:
    raise _NotOurs


class HubASGI:
    """An ASGI application.

    Args:
        hub: The hub.
        other: The application that gets what is not the hub's, lifespan events included. None: that is answered with
            404 (a WebSocket is refused).
        prefix: What stands before the hub's paths: ``/realtime``. A path at which the application is mounted
            (``root_path``) is not part of it.
    """

    def __init__(self, hub: Hub, other: Application | None = None, *, prefix: str = "") -> None:
        self._hub = hub
        self._other = other
        self._prefix = prefix
        self._http = HubHTTP(hub, prefix=prefix, fallback=_give_away)
        self._lifespan = Lifespan(hub, other)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifespan.run(scope, receive, send)
        elif kind == "http":
            await self._serve_http(scope, receive, send)
        elif kind == "websocket" and _path_of(scope) == self._prefix + WEBSOCKET_PATH:
            await self._serve_websocket(scope, receive, send)
        elif self._other is not None:
            await self._other(scope, receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope["method"] == "HEAD"
        try:
            response = await self._http(ASGIRequest(scope, receive, _path_of(scope)))
        except _NotOurs:
            if self._other is not None:
                await self._other(scope, receive, send)
                return
            response = HTTPResponse(404, body="Not found.\n")
        except HTTPRequestError as error:
            response = HTTPResponse(error.status, body=f"{error}\n")
        except InvalidHeader as error:
            response = HTTPResponse(400, body=f"{error}\n")
        await send_response(response, receive, send, head=head)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = ASGIRequest(scope, receive, _path_of(scope))
            await self._hub.start()
        except (BrokerDown, InvalidHeader) as error:
            logger.warning("connection refused: %s", error)
            await receive()
            await send({"type": "websocket.close", "code": 1011})
            return
        await serve_websocket(self._hub, request, scope, receive, send)


def _path_of(scope: Scope) -> str:
    """The path below the one at which the application is mounted, which some frameworks leave in the path."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path
