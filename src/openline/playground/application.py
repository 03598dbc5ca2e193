"""What a page's server code is given: the hub, a store, and ways to add lines, HTTP and jobs of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from openline.hub import Hub
from openline.hub.stores.base import Store
from openline.websocket.http import HTTPHandler, HTTPRequest
from openline.websocket.listener import Listener
from openline.websocket.server_connection import ServerConnection

LineHandler = Callable[[ServerConnection], Awaitable[None]]
MakeListener = Callable[[ServerConnection], Listener | None]
Job = Callable[[], Coroutine[Any, Any, None]]
PortsOf = Callable[[HTTPRequest], Mapping[str, Sequence[int]]]

R = TypeVar("R")

logger = logging.getLogger("openline.playground")


class Application:
    """The parts of the playground that pages stand on. A page's ``install(app)`` declares what it needs, once.

    A prefix that ends with a slash stands for all paths below it; any other for itself alone.

    Args:
        hub: The one hub.
        store: For what outlives channels.
        host: The address that the playground listens on; empty: all.
        certificate: The certificate that it shows, in PEM. None: it is reached without TLS.

    Attributes:
        hub, store, host, certificate: As they were given.
    """

    def __init__(
        self, hub: Hub, store: Store, *, host: str = "127.0.0.1", certificate: bytes | None = None
    ) -> None:
        self.hub = hub
        self.store = store
        self.host = host
        self.certificate = certificate
        self._lines: dict[str, LineHandler] = {}
        self._listeners: dict[str, MakeListener] = {}
        self._http: dict[str, HTTPHandler] = {}
        self._ports: dict[str, PortsOf] = {}
        self._jobs: list[Job] = []
        self._running: list[asyncio.Task[None]] = []

    def line(self, prefix: str, handler: LineHandler) -> None:
        """Have WebSockets served by a coroutine."""
        self._lines[prefix] = handler

    def mount(self, prefix: str, make_listener: MakeListener) -> None:
        """Have WebSockets served by a `Listener`, which is made for each."""
        self._listeners[prefix] = make_listener

    def http(self, prefix: str, handler: HTTPHandler) -> None:
        """Have HTTP requests answered; the Host has been checked by then, and nothing else."""
        self._http[prefix] = handler

    def allow(self, page: str, ports: PortsOf) -> None:
        """Let a page reach further ports of this host, which its Content-Security-Policy forbids otherwise.

        Args:
            page: Its path.
            ports: Called with each request for it; returns ports by directive: ``{"connect-src": (8001,)}``.
        """
        self._ports[page] = ports

    def job(self, function: Job) -> Job:
        """Run a coroutine function for as long as the server runs; also a decorator. It is cancelled at the end."""
        self._jobs.append(function)
        return function

    # For the server.

    def line_at(self, path: str) -> LineHandler | None:
        """Return what serves WebSockets of this path by a coroutine."""
        return _at(self._lines, path)

    def listener_at(self, path: str) -> MakeListener | None:
        """Return what serves WebSockets of this path by listeners."""
        return _at(self._listeners, path)

    def http_at(self, path: str) -> HTTPHandler | None:
        """Return what answers HTTP requests of this path."""
        return _at(self._http, path)

    def ports_for(self, request: HTTPRequest) -> Mapping[str, Sequence[int]] | None:
        """Return what the page of this request may reach besides the playground; None: nothing."""
        ports = self._ports.get(request.path)
        return None if ports is None else ports(request)

    def begin(self) -> None:
        """Start the jobs."""
        for job in self._jobs:
            task = asyncio.create_task(job(), name=f"playground {job.__module__}")
            task.add_done_callback(_report)
            self._running.append(task)

    async def end(self) -> None:
        """Cancel the jobs, and wait for them."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        self._running.clear()


def _at(table: dict[str, R], path: str) -> R | None:
    found = table.get(path)
    while found is None and path:
        path = path[: path.rstrip("/").rfind("/") + 1]
        found = table.get(path)
    return found


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("%s failed, and its page stands still", task.get_name(), exc_info=error)
