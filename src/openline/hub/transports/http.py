"""Everything of the hub that is plain HTTP, by path.

| path | what |
|---|---|
| ``/connection/http_stream`` | clients over HTTP streaming |
| ``/connection/sse`` | clients over server-sent events |
| ``/emulation`` | further commands of both |
| ``/api/<method>`` | the server API |
| ``/health`` | 200 while the hub serves, 503 before and while it drains |
| ``/metrics`` | for Prometheus |
| ``/admin/`` | the admin page |
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from openline.hub.admin.routes import Admin
from openline.hub.brokers.base import BrokerDown
from openline.hub.metrics import Metrics, MetricsUnavailable
from openline.hub.transports.api import serve_api
from openline.hub.transports.cors import answer_preflight, cors_headers, may_use
from openline.hub.transports.emulation import serve_emulation
from openline.hub.transports.http_stream import serve_http_stream
from openline.hub.transports.sse import serve_sse
from openline.websocket.http import HTTPRequestError, HTTPResponse

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.transports.incoming import Incoming

__all__ = ["HubHTTP"]

logger = logging.getLogger("openline.hub")

_CLIENTS: dict[str, tuple[str, Callable[[Hub, Any], Awaitable[HTTPResponse]]]] = {
    "/connection/http_stream": ("POST", serve_http_stream),
    "/connection/sse": ("GET", serve_sse),
    "/emulation": ("POST", serve_emulation),
}
"""What pages use: by path, the method and the function."""


class HubHTTP:
    """Answers HTTP requests for a hub: an ``http=`` handler of `openline.serve`, and what the ASGI application calls.

    Args:
        hub: The hub.
        prefix: What stands before the paths: ``/realtime``.
        fallback: Gets what is not the hub's. None: that is answered with 404.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        prefix: str = "",
        fallback: Callable[[Any], Awaitable[HTTPResponse]] | None = None,
    ) -> None:
        self._hub = hub
        self._prefix = prefix
        self._fallback = fallback
        self._metrics = Metrics(hub)
        self._admin = Admin(hub, f"{prefix}/admin")

    async def __call__(self, request: Incoming) -> HTTPResponse:
        """Answer a request."""
        path = request.path
        if path.startswith(self._prefix):
            rest = path[len(self._prefix) :]
            if rest in _CLIENTS:
                return await self._serve_client(request, *_CLIENTS[rest])
            if rest == "/health":
                return self._tell_health(request)
            if rest == "/metrics" and self._hub.options.metrics:
                return self._tell_metrics(request)
            if rest.startswith("/api/"):
                return await self._started(request, lambda: serve_api(self._hub, request, rest[5:]))
            if rest == "/admin" or rest.startswith("/admin/"):
                return await self._started(request, lambda: self._admin.serve(request, rest[6:]))
        if self._fallback is not None:
            return await self._fallback(request)
        return HTTPResponse(404, body="Not found.\n")

    async def _started(self, request: Incoming, serve: Callable[[], Awaitable[HTTPResponse]]) -> HTTPResponse:
        try:
            # Whoever serves the hub has started it; but not every server of ASGI says when it begins.
            await self._hub.start()
        except BrokerDown as error:
            logger.warning("the hub cannot start: %s", error)
            return HTTPResponse(503, body="The hub cannot reach its broker.\n")
        return await serve()

    async def _serve_client(
        self,
        request: Incoming,
        method: str,
        serve: Callable[[Hub, Any], Awaitable[HTTPResponse]],
    ) -> HTTPResponse:
        hub = self._hub
        if not may_use(request, hub.options.allowed_origins):
            logger.info("request refused: a page of %r must not connect", request.headers.get_all("Origin"))
            return HTTPResponse(403, body="This page must not connect: see allowed_origins.\n")
        if request.method == "OPTIONS":
            return answer_preflight(request, method)
        if request.method != method:
            response = HTTPResponse(405, {"Allow": f"{method}, OPTIONS"}, f"This is for {method}.\n")
        elif hub.draining and serve is not serve_emulation:
            response = HTTPResponse(503, body="Server is shutting down.\n")
        else:
            try:
                response = await self._started(request, lambda: serve(hub, request))
            except HTTPRequestError as error:
                # Answered here, so that the page is allowed to see why.
                response = HTTPResponse(error.status, {"Connection": "close"}, f"{error}\n")
        response.headers.update(cors_headers(request))
        return response

    def _tell_health(self, request: Incoming) -> HTTPResponse:
        well = bool(self._hub.started_at) and not self._hub.draining
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        return HTTPResponse(200 if well else 503, headers, b"{}\n")

    def _tell_metrics(self, request: Incoming) -> HTTPResponse:
        try:
            content_type, text = self._metrics.render(request.headers.get("Accept", ""))
        except MetricsUnavailable as error:
            return HTTPResponse(501, body=f"{error}\n")
        return HTTPResponse(200, {"Content-Type": content_type, "Cache-Control": "no-store"}, text)
