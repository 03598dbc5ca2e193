"""A server process: one technique, on uvicorn or on openline, with a stream of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Generator
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Any

import uvicorn

from openline import Server, serve
from openline.playground.comparison.child import Order, Report
from openline.playground.comparison.exchange import Counts, Exchange, asgi
from openline.playground.comparison.settings import TECHNIQUES, Settings
from openline.playground.comparison.stream import Stream
from openline.playground.own_host import is_beside
from openline.protocol.http11 import Request, Response
from openline.version import __version__
from openline.websocket.server_connection import ServerConnection

MAX_CONNECTIONS = 500  # at a time; a further one gets 503
KEEP_ALIVE = (
    75  # seconds that a connection may wait for the next request; uvicorn's own 5 would punish rare polls
)


class TechniqueServer:
    """Serves one technique on a free port of 127.0.0.1.

    Args:
        technique: Its name, one of `TECHNIQUES`.
        module: The module that has the techniques.
        page_port: The port of the pages that may ask.
    """

    def __init__(self, technique: str, module: ModuleType, page_port: int) -> None:
        self._technique = technique
        self._module = module
        self._page_port = page_port
        self._stream = Stream(phase=TECHNIQUES.index(technique) / len(TECHNIQUES))
        self._counts = Counts()
        self._running: asyncio.Task[None] | Server | None = None

    async def start(self) -> Report:
        """Listen; the report names the port."""
        self._stream.put()  # somebody may ask before the clock runs
        sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        port: int = sock.getsockname()[1]
        software = await (
            self._start_openline(sock) if self._technique == "websocket" else self._start_uvicorn(sock)
        )
        return {
            "port": port,
            "software": software,
            "loop": type(asyncio.get_running_loop()).__module__.split(".")[0],
        }

    async def obey(self, order: Order) -> Report | None:
        """Change what the stream is like, or report."""
        if "settings" in order:
            self._stream.change(Settings(**order["settings"]))
        if order.get("do") == "start":
            self._stream.start()
        return {
            "messages": self._stream.last,
            "requests": self._counts.requests,
            "delivered": self._counts.delivered,
            "cpu": time.process_time(),
        }

    def _allowed(self, origin: str, host: str) -> bool:
        return is_beside(origin, host, self._page_port)

    async def _start_uvicorn(self, sock: socket.socket) -> str:
        answer = getattr(self._module, self._technique)

        async def technique(exchange: Exchange) -> None:
            await answer(self._stream, exchange)

        config = uvicorn.Config(
            asgi(technique, self._counts, self._allowed),
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="error",
            timeout_keep_alive=KEEP_ALIVE,
            limit_concurrency=MAX_CONNECTIONS,
        )
        self._uvicorn = server = _Uvicorn(config)
        self._running = asyncio.create_task(server.serve([sock]))
        await server.begun.wait()
        return f"uvicorn {version('uvicorn')}, httptools {version('httptools')}"

    async def _start_openline(self, sock: socket.socket) -> str:
        def check(line: ServerConnection, request: Request) -> Response | None:
            origin = request.headers.get("Origin")
            if origin is not None and not self._allowed(origin, request.headers.get("Host", "")):
                return line.respond(403, "Only the playground's pages.\n")
            if len(line.server.connections) >= MAX_CONNECTIONS:
                return line.respond(503, "Too many connections.\n")
            return None

        listener: Any = self._module.WebSocket(self._stream, self._counts)
        # The techniques over HTTP send their messages as they are, and so does this one.
        self._running = await serve(listener, sock=sock, compression=None, process_request=check)
        return f"openline {__version__}"


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: the process ends by them as any other does."""
        yield


def make(technique: str, module: str, page_port: int) -> TechniqueServer:
    """Make the role; see `openline.playground.comparison.child`."""
    return TechniqueServer(technique, import_module(module), page_port)
