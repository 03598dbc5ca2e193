"""The playground's server: the pages, the hub, their further lines and the inspector's, all on one port."""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Awaitable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openline import Listener, Server, ServerConnection, serve
from openline.exceptions import ConnectionClosed
from openline.hub import Connect, Hub, Session
from openline.hub.rate import Allowance
from openline.hub.stores import open_store
from openline.hub.transports.serving import WEBSOCKET_PATH
from openline.playground import sources
from openline.playground.application import Application
from openline.playground.cut import Cuts
from openline.playground.inspector import Inspector, handshake_of, token_of
from openline.playground.own_host import host_checker
from openline.playground.pages import PATHS, modules
from openline.playground.samples import CONTROL, TEXTS
from openline.playground.static_files import BUILT, SECURITY_HEADERS, StaticFiles
from openline.playground.visitors import Visitors, visitors_of
from openline.playground.watched import Watched
from openline.protocol.http11 import Request, Response
from openline.protocol.origins import is_same_origin
from openline.websocket.http import HTTPHandler, HTTPRequest, HTTPResponse
from openline.websocket.serving import Serving

INSPECTOR = "/lines/inspector"
CUT = "/cut"
MAX_LINES = 1_000  # open at once, the inspectors' included; a further one gets 503
MAX_LINES_OF_ADDRESS = 200  # open at once from one other machine; a further one gets 503
NEW_VISITORS = (
    2.0  # a second, in the long run: each may keep something for ever; who comes faster gets no cookie
)
NEW_AT_ONCE = 400
MAX_LINES_OF_ONE = 32  # sessions of the hub that one visitor may have
MAX_MESSAGE = 2**16  # bytes of a message on a line that brings no bound of its own
MAX_UNSENT = 2**20  # bytes that may wait for one visitor who does not read; then his line is cut
PING_INTERVAL = 15.0  # seconds; often, for the pings to be seen
DRAIN = 0.0  # seconds; whoever ends a demo does not want to wait

_ELSEWHERE = "This server does not go by that name.\n"


class Playground:
    """All of the playground that lives as long as its server; what `openline.serve` can be given.

    Args:
        names: Names that this server may be reached by, besides addresses and localhost.
        static: Where the built front end is.
        data: A file that keeps what is said and written (SQLite). None: it is forgotten at the end.
        host: The address that it will listen on; None: all.
        certificate: The certificate that it will show, in PEM; None: no TLS.
    """

    def __init__(
        self,
        names: tuple[str, ...] = (),
        static: Path = BUILT,
        *,
        data: Path | None = None,
        host: str | None = "127.0.0.1",
        certificate: bytes | None = None,
    ) -> None:
        kept = "memory://" if data is None else f"sqlite:///{data.absolute()}"
        self._hub = Hub(
            kept,
            name="playground",
            max_sessions=MAX_LINES,
            max_sessions_per_user=MAX_LINES_OF_ONE,
            ping_interval=PING_INTERVAL,
            drain=DRAIN,
            metrics=False,
        )
        self._store = open_store(kept)
        self._app = Application(self._hub, self._store, host=host or "", certificate=certificate)
        self._visitors: Visitors | None = None
        self._is_own_host = host_checker(names)
        self._files = StaticFiles(static, tuple(PATHS))
        self._inspector = Inspector()
        self._cuts = Cuts()
        self._newcomers = Allowance(NEW_VISITORS, time.monotonic(), burst=NEW_AT_ONCE / NEW_VISITORS)
        self._hub.on_connect(self._who)
        self._app.line(INSPECTOR, self._inspector.show)
        self._app.http(CUT, self._cut)
        pages = modules()
        self._app.http(sources.PREFIX, sources.Sources(pages).respond)
        for module in pages.values():
            module.install(self._app)
        self._serving = self._hub.beside(self._handle).serving(http=self._respond)

    @property
    def visitors(self) -> Visitors:
        """Who is who; there since the server was started."""
        assert self._visitors is not None
        return self._visitors

    async def serve(self, host: str | None, port: int, tls: ssl.SSLContext | None = None) -> Server:
        """Listen.

        Raises:
            OSError: The address is not to be had.
        """
        return await serve(
            self,
            host,
            port,
            ssl=tls,
            compression=None,  # for the frames to be legible
            max_size=MAX_MESSAGE,
            max_unsent=MAX_UNSENT,
            ping_interval=PING_INTERVAL,
        )

    def serving(self, *, http: HTTPHandler | None = None) -> Serving:
        """See `openline.websocket.serving.Servable`. Whatever ``http`` is: the playground answers everything itself."""
        return Serving(
            listener=self._listen,
            handler=self._handle,
            process_request=self._check,
            select_subprotocol=self._serving.select_subprotocol,
            http=self._answer,
            start=self._start,
            closing=self._serving.closing,
            closed=self._closed,
        )

    async def _start(self) -> None:
        await self._store.start()
        self._visitors = await visitors_of(self._store)
        await self._serving.start()
        self._app.begin()

    async def _closed(self) -> None:
        await self._app.end()
        await self._serving.closed()
        await self._store.close()

    def _who(self, session: Session, data: Any) -> Connect:
        return self.visitors.who(session, data)

    # Lines.

    def _check(
        self, line: ServerConnection, request: Request
    ) -> Awaitable[Response | None] | Response | None:
        """Look at an opening handshake before it is answered: refuse what is not ours, tap what is watched."""
        host = request.headers.get("Host", "")
        path = _path_of(request)
        if not self._is_own_host(host):
            return line.respond(HTTPStatus.MISDIRECTED_REQUEST, _ELSEWHERE)
        if not is_same_origin(request.headers.get("Origin"), host):
            return line.respond(HTTPStatus.FORBIDDEN, "Only this server's own pages may open a line.\n")
        if path != WEBSOCKET_PATH and self._app.line_at(path) is None and self._app.listener_at(path) is None:
            return line.respond(HTTPStatus.NOT_FOUND, "There is no such line.\n")
        if len(line.server.connections) >= MAX_LINES:
            return line.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many visitors: try again later.\n")
        if _lines_of(line) >= MAX_LINES_OF_ADDRESS:
            return line.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many lines from one address.\n")
        if path != INSPECTOR and (token := token_of(request.path)) is not None:
            if (seconds := self._cuts.refused_for(token)) > 0:
                self._inspector.refused(token, request, seconds)
                return line.respond(HTTPStatus.SERVICE_UNAVAILABLE, f"Cut for {seconds:.1f} more seconds.\n")
            self._inspector.attach(line, token)
        assert self._serving.process_request is not None
        return self._serving.process_request(line, request) if path == WEBSOCKET_PATH else None

    def _listen(self, line: ServerConnection) -> Listener | None:
        """Make the listener of a line, unless it is served by a coroutine."""
        request = line.request
        assert request is not None
        path = _path_of(request)
        make = self._serving.listener if path == WEBSOCKET_PATH else self._app.listener_at(path)
        inner = None if make is None else make(line)
        token = token_of(request.path)
        if inner is None or token is None:
            return inner
        return Watched(inner, lambda ws: self._opened(token, ws), lambda ws: self._ended(token, ws))

    async def _handle(self, line: ServerConnection) -> None:
        """Serve one line by a coroutine until it ends; without a Close frame, too: visitors shut their laptops."""
        request = handshake_of(line)[0]
        path = _path_of(request)
        handler = self._app.line_at(path)
        assert handler is not None
        token = None if path == INSPECTOR else token_of(request.path)
        if token is not None:
            self._opened(token, line)
        try:
            with suppress(ConnectionClosed):
                await handler(line)
            await line.close()
        finally:
            if token is not None:
                self._ended(token, line)

    def _opened(self, token: str, line: ServerConnection) -> None:
        self._cuts.expose(token, line)
        self._inspector.opened(token, line, _samples_of(line))

    def _ended(self, token: str, line: ServerConnection) -> None:
        self._cuts.cover(token, line)
        self._inspector.ended(token, line)

    # HTTP.

    async def _answer(self, request: HTTPRequest) -> HTTPResponse:
        """Answer a request that is no upgrade."""
        if not self._is_own_host(request.headers.get("Host", "")):
            return HTTPResponse(HTTPStatus.MISDIRECTED_REQUEST, body=_ELSEWHERE)
        assert self._serving.http is not None
        return await self._serving.http(request)

    async def _respond(self, request: HTTPRequest) -> HTTPResponse:
        """Answer what is not the hub's."""
        handler = self._app.http_at(request.path)
        if handler is not None:
            return await handler(request)
        response = await self._files.respond(request, self._app.ports_for(request))
        stranger = request.path in PATHS and self.visitors.user_of(request.headers) is None
        if stranger and self._newcomers.take(time.monotonic()):
            response.headers["Set-Cookie"] = self.visitors.new_cookie(secure=request.secure)
        return response

    async def _cut(self, request: HTTPRequest) -> HTTPResponse:
        """``POST /cut?inspect=TOKEN``: reset the page's lines."""
        host = request.headers.get("Host", "")
        if request.method != "POST":
            return HTTPResponse(405, {**SECURITY_HEADERS, "Allow": "POST"}, "Only POST.\n")
        if not is_same_origin(request.headers.get("Origin"), host):
            return HTTPResponse(403, SECURITY_HEADERS, "Only this server's own pages may cut their lines.\n")
        token = token_of(f"?{request.query}")
        if token is None:
            return HTTPResponse(400, SECURITY_HEADERS, "Which page?\n")
        self._cuts.cut(token)
        return HTTPResponse(204, SECURITY_HEADERS)


def _samples_of(line: ServerConnection) -> tuple[str, ...]:
    request = handshake_of(line)[0]
    speaks_json = _path_of(request) == WEBSOCKET_PATH and "protobuf" not in urlsplit(request.path).query
    return (*TEXTS, *CONTROL) if speaks_json else CONTROL


def _lines_of(line: ServerConnection) -> int:
    """How many lines come from the same machine as this; of our own, where a proxy may stand, none."""
    address = line.remote_address[0]
    if ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        return 0
    return sum(other.remote_address[0] == address for other in line.server.connections)


def _path_of(request: Request) -> str:
    return urlsplit(request.path).path
