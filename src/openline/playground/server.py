"""The playground's server: the pages over HTTP, their lines and the inspector's over WebSocket, all on one port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from openline import Server, ServerConnection, serve
from openline.exceptions import ConnectionClosed
from openline.playground.chat import MAX_COMMAND, Chat
from openline.playground.inspector import Inspector, handshake_of
from openline.playground.own_host import host_checker
from openline.playground.static_files import BUILT, StaticFiles
from openline.protocol.http11 import Request, Response
from openline.protocol.origins import is_same_origin
from openline.websocket.http import HTTPRequest, HTTPResponse

PAGES = ("/",)  # paths that show the front end; its own table, web/src/pages, says what stands on each

INSPECTOR = "/lines/inspector"
MAX_LINES = 1_000  # open at once, the inspectors' included; a further one gets 503
MAX_UNSENT = 2**20  # bytes that may wait for one visitor who does not read; then his line is cut
PING_INTERVAL = 15.0  # seconds; often, for the pings to be seen

LineHandler = Callable[[ServerConnection], Awaitable[None]]


class Playground:
    """All of the playground that lives as long as its server.

    Args:
        names: Names that this server may be reached by, besides addresses and localhost.
        static: Where the built front end is.
    """

    def __init__(self, names: tuple[str, ...] = (), static: Path = BUILT) -> None:
        self._is_own_host = host_checker(names)
        self._files = StaticFiles(static, PAGES)
        self._inspector = Inspector()
        self._lines: dict[str, LineHandler] = {"/lines/chat": Chat(), INSPECTOR: self._inspector.show}

    async def serve(self, host: str | None, port: int) -> Server:
        """Listen.

        Raises:
            OSError: The address is not to be had.
        """
        return await serve(
            self.handle,
            host,
            port,
            process_request=self.check,
            http=self.respond,
            compression=None,  # for the frames to be legible
            max_size=MAX_COMMAND,
            max_unsent=MAX_UNSENT,
            ping_interval=PING_INTERVAL,
        )

    def check(self, line: ServerConnection, request: Request) -> Response | None:
        """Look at an opening handshake before it is answered: refuse what is not ours, tap what is watched."""
        host = request.headers.get("Host", "")
        if not self._is_own_host(host):
            return line.respond(HTTPStatus.MISDIRECTED_REQUEST, "This server does not go by that name.\n")
        if not is_same_origin(request.headers.get("Origin"), host):
            return line.respond(HTTPStatus.FORBIDDEN, "Only this server's own pages may open a line.\n")
        if _path_of(request) not in self._lines:
            return line.respond(HTTPStatus.NOT_FOUND, "There is no such line.\n")
        if len(line.server.connections) >= MAX_LINES:
            return line.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many visitors: try again later.\n")
        if _path_of(request) != INSPECTOR:  # which would show itself what it shows, for ever
            self._inspector.attach(line, request)
        return None

    async def handle(self, line: ServerConnection) -> None:
        """Serve one line until it ends; without a Close frame, too: visitors shut their laptops."""
        with suppress(ConnectionClosed):
            async with self._inspector.watching(line):
                await self._lines[_path_of(handshake_of(line)[0])](line)

    async def respond(self, request: HTTPRequest) -> HTTPResponse:
        """Answer a request that is no upgrade."""
        if not self._is_own_host(request.headers.get("Host", "")):
            return HTTPResponse(
                HTTPStatus.MISDIRECTED_REQUEST, body="This server does not go by that name.\n"
            )
        return await self._files.respond(request)


def _path_of(request: Request) -> str:
    return urlsplit(request.path).path
