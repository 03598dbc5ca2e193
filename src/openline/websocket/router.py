"""``route``: a server that picks the handler by the URL, with a werkzeug `Map` (an extra)."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from openline.protocol.http11 import Request, Response
from openline.websocket.bind import Path
from openline.websocket.server import ProcessRequest, Server, serve, unix_serve
from openline.websocket.server_connection import ServerConnection

if TYPE_CHECKING:
    from ssl import SSLContext

    from werkzeug.routing import Map

__all__ = ["Router", "route", "unix_route"]


def route(
    url_map: Map,
    *args: Any,
    server_name: str | None = None,
    ssl: SSLContext | Literal[True] | None = None,
    create_router: type[Router] | None = None,
    **kwargs: Any,
) -> Server:
    """Make a server that gives each connection to the handler of its URL.

    The endpoints of the rules are the handlers; they are given the connection, and what the URL captures as keyword
    arguments::

        async def chat(ws, room): ...

        url_map = Map([Rule("/chat/<room>", endpoint=chat)])
        async with route(url_map, "localhost", 8000) as server:
            await server.serve_forever()

    Rules need no ``websocket=True``. An unknown URL gets 404; a redirect of the map gets 302.

    Args:
        url_map: From URLs to handlers.
        args: Host and port, as for `serve`.
        server_name: Host (and port) of this server as clients see it, for redirects. None: what their Host header says.
        ssl: TLS settings, as for `serve`; True: somebody else ends TLS, and redirects lead to ``wss://``.
        create_router: Makes the `Router`: a subclass, or a function with the same arguments. None: `Router`.
        kwargs: As those of `serve`. A ``process_request`` comes before the routing.

    Raises:
        ImportError: if werkzeug is not installed; the extra is ``openline[router]``.
    """
    return _route(serve, url_map, args, server_name, ssl, create_router, kwargs)


def unix_route(
    url_map: Map,
    path: Path | None = None,
    *,
    server_name: str | None = None,
    ssl: SSLContext | Literal[True] | None = None,
    create_router: type[Router] | None = None,
    **kwargs: Any,
) -> Server:
    """Do what `route` does, on a Unix socket.

    Args:
        url_map: See `route`.
        path: Where the socket lives. None: ``sock`` is given.
        server_name: See `route`.
        ssl: See `route`.
        create_router: See `route`.
        kwargs: As those of `unix_serve`.
    """
    return _route(unix_serve, url_map, (path,), server_name, ssl, create_router, kwargs)


def _route(
    serve_by: Callable[..., Server],
    url_map: Map,
    args: tuple[Any, ...],
    server_name: str | None,
    ssl: SSLContext | Literal[True] | None,
    create_router: Callable[[Map, str | None, str], Router] | None,
    kwargs: dict[str, Any],
) -> Server:
    if ssl is not None and ssl is not True:
        kwargs["ssl"] = ssl
    router = (create_router or Router)(url_map, server_name, "ws" if ssl is None else "wss")
    before: ProcessRequest | None = kwargs.pop("process_request", None)
    process_request = router.route_request if before is None else _chain(before, router.route_request)
    return serve_by(router.handler, *args, process_request=process_request, **kwargs)


def _chain(
    first: ProcessRequest, second: Callable[[ServerConnection, Request], Response | None]
) -> ProcessRequest:
    async def go_on(
        answer: Awaitable[Response | None], connection: ServerConnection, request: Request
    ) -> Response | None:
        return await answer or second(connection, request)

    def process_request(
        connection: ServerConnection, request: Request
    ) -> Awaitable[Response | None] | Response | None:
        answer = first(connection, request)
        if inspect.isawaitable(answer):
            return go_on(answer, connection, request)
        return answer or second(connection, request)

    return process_request


class Router:
    """Finds handlers; what `route` makes, and may be given a subclass of.

    Args:
        url_map: From URLs to handlers.
        server_name: See `route`.
        url_scheme: ``ws`` or ``wss``, for redirects.
    """

    def __init__(self, url_map: Map, server_name: str | None = None, url_scheme: str = "ws") -> None:
        try:
            from werkzeug import exceptions, routing
        except ImportError as exc:
            raise ImportError("route() needs werkzeug: pip install 'openline[router]'") from exc
        self._errors = exceptions
        self._redirect = routing.RequestRedirect
        self.url_map = url_map
        self.server_name = server_name
        self.url_scheme = url_scheme
        # Between the handshake and the handler; weak, since the handshake may fail in between.
        self._found: WeakKeyDictionary[ServerConnection, tuple[Any, Mapping[str, Any]]] = WeakKeyDictionary()
        for rule in url_map.iter_rules():
            rule.websocket = True

    def get_server_name(self, connection: ServerConnection, request: Request) -> str:
        """Return host and port of this server, for redirects; may raise `KeyError` if the client does not say."""
        return request.headers["Host"] if self.server_name is None else self.server_name

    def redirect(self, connection: ServerConnection, url: str) -> Response:
        """Make the answer to a URL that the map redirects."""
        response = connection.respond(HTTPStatus.FOUND, f"Found at {url}")
        response.headers["Location"] = url
        return response

    def not_found(self, connection: ServerConnection) -> Response:
        """Make the answer to a URL that the map does not know."""
        return connection.respond(HTTPStatus.NOT_FOUND, "Not Found")

    def route_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Find the handler of a request; None: it is found, else the answer."""
        try:
            server_name = self.get_server_name(connection, request)
        except LookupError:
            # No Host, or several: the handshake refuses it, whatever its path.
            return None
        path, _, query = request.path.partition("?")
        try:
            adapter = self.url_map.bind(server_name=server_name, url_scheme=self.url_scheme)
            self._found[connection] = adapter.match(path_info=path, query_args=query)
        except self._redirect as redirect:
            return self.redirect(connection, redirect.new_url)
        except self._errors.NotFound:
            return self.not_found(connection)
        except self._errors.HTTPException as exc:
            # A Host that is none, among others; what the client sends is no error of this server.
            return connection.respond(exc.code or HTTPStatus.BAD_REQUEST, exc.name)
        return None

    async def handler(self, connection: ServerConnection) -> None:
        """Run the handler that was found for a connection."""
        handler, arguments = self._found.pop(connection)
        await handler(connection, **arguments)
