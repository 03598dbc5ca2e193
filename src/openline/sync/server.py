"""``serve`` for threads: a thread for each connection's handler."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from openline.protocol.close_codes import CloseCode
from openline.protocol.extensions.base import ServerExtensionFactory
from openline.protocol.http11 import Request, Response
from openline.sync.connection import ServerConnection
from openline.sync.inbox import InboxServerConnection
from openline.sync.loop_thread import loop_thread
from openline.version import PRODUCT
from openline.websocket.bind import Path
from openline.websocket.lines import check_connection_class
from openline.websocket.options import DEFAULT_MAX_QUEUE, DEFAULT_MAX_SIZE, LoggerLike
from openline.websocket.server import serve as async_serve
from openline.websocket.server_connection import ServerConnection as AsyncServerConnection

if TYPE_CHECKING:
    from ssl import SSLContext


__all__ = ["Server", "serve", "unix_serve"]

T = TypeVar("T")

MAX_THREADS = 1000
"""Connections that a server handles at once where no other number is given: each takes a thread."""


class Server:
    """A server made by `serve`.

    It listens from the beginning, and accepts connections while `serve_forever` runs. Leaving ``with`` shuts it down.
    """

    def __init__(
        self,
        handler: Callable[[ServerConnection], None],
        sock: socket.socket,
        *,
        max_threads: int | None,
        create_connection: type[ServerConnection],
        process_request: Callable[[ServerConnection, Request], Response | None] | None,
        process_response: Callable[[ServerConnection, Request, Response], Response | None] | None,
        select_subprotocol: Callable[[ServerConnection, Sequence[str]], str | None] | None,
        **kwargs: Any,
    ) -> None:
        self.socket = sock
        self._thread = loop_thread()
        self._handler = handler
        self._max_threads = max_threads
        self._connection_class = create_connection
        self._process_request = process_request
        self._process_response = process_response
        self._handlers: set[threading.Thread] = set()
        self._closed = threading.Event()
        self._select_subprotocol = select_subprotocol
        self._server = async_serve(
            self._handle,
            sock=sock,
            start_serving=False,
            create_connection=InboxServerConnection,
            process_request=self._ask_process_request,
            process_response=None if process_response is None else self._ask_process_response,
            select_subprotocol=None if select_subprotocol is None else self._ask_select_subprotocol,
            **kwargs,
        )
        self.logger: LoggerLike = self._server.logger
        self._thread.run(_awaited(self._server))

    @property
    def connections(self) -> set[ServerConnection]:
        """The connections that are open: past the opening handshake, and not closing yet. A new set each time."""
        return self._thread.call(lambda: {self._for_threads(ws) for ws in self._server.connections})

    def serve_forever(self) -> None:
        """Accept connections until `shutdown` is called, from another thread."""
        if not self._closed.is_set():
            self._thread.run(self._server.start_serving())
            self._closed.wait()

    def shutdown(
        self,
        close_connections: bool = True,
        code: CloseCode | int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """Stop accepting, close the connections, and wait until all handlers have returned. Idempotent.

        Args:
            close_connections: False: leave the open connections open, until they are closed by somebody else.
            code: Close code for them (RFC 6455 section 7.4).
            reason: Close reason for them; up to 123 bytes as UTF-8.

        Raises:
            RuntimeError: in a handler, which would wait for itself.
        """
        if threading.current_thread() in self._handlers:
            raise RuntimeError("shutdown() cannot be called by a handler: it waits for all of them")

        async def close() -> None:
            self._server.close(close_connections, code, reason)
            await self._server.wait_closed()

        self._thread.run(close())
        self.socket.close()
        self._closed.set()

    def fileno(self) -> int:
        """The descriptor of the listening socket; -1 when it is closed."""
        return self.socket.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    # In the loop's thread.

    def _for_threads(self, ws: AsyncServerConnection) -> ServerConnection:
        line = cast("InboxServerConnection", ws)
        if line.for_threads is None:
            line.for_threads = self._connection_class(line, self._thread, self)
        return line.for_threads

    def _is_full(self) -> bool:
        return self._max_threads is not None and len(self._handlers) >= self._max_threads

    def _ask_process_request(
        self, ws: AsyncServerConnection, request: Request
    ) -> Coroutine[Any, Any, Response | None] | Response | None:
        if self._is_full():
            return ws.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.\n")
        if self._process_request is None:
            return None
        return _in_thread(self._process_request, self._for_threads(ws), request)

    def _ask_process_response(
        self, ws: AsyncServerConnection, request: Request, response: Response
    ) -> Coroutine[Any, Any, Response | None]:
        assert self._process_response is not None
        return _in_thread(self._process_response, self._for_threads(ws), request, response)

    def _ask_select_subprotocol(self, ws: AsyncServerConnection, offered: Sequence[str]) -> str | None:
        assert self._select_subprotocol is not None
        return self._select_subprotocol(self._for_threads(ws), offered)

    async def _handle(self, ws: AsyncServerConnection) -> None:
        if self._is_full():
            # Others have come while a hook was asked.
            await ws.close(CloseCode.TRY_AGAIN_LATER)
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[BaseException | None] = loop.create_future()
        connection = self._for_threads(ws)

        def finish(error: BaseException | None) -> None:
            self._handlers.discard(thread)
            done.set_result(error)

        def run() -> None:
            error: BaseException | None = None
            try:
                self._handler(connection)
            except SystemExit:
                pass  # as in any thread, it ends only this one
            except BaseException as exc:
                error = exc
            loop.call_soon_threadsafe(finish, error)

        thread = threading.Thread(target=run, name=f"openline handler {ws.remote_address}")
        self._handlers.add(thread)
        thread.start()
        error = await asyncio.shield(done)
        if error is not None:
            raise error


async def _awaited(server: Any) -> None:
    await server


async def _in_thread(function: Callable[..., T], *args: Any) -> T:
    """Run a hook of the program, which may block, outside of the loop."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *args)


def serve(
    handler: Callable[[ServerConnection], None],
    host: str | None = None,
    port: int | None = None,
    *,
    sock: socket.socket | None = None,
    ssl: SSLContext | None = None,
    origins: Sequence[str | re.Pattern[str] | None] | None = None,
    extensions: Sequence[ServerExtensionFactory] | None = None,
    subprotocols: Sequence[str] | None = None,
    select_subprotocol: Callable[[ServerConnection, Sequence[str]], str | None] | None = None,
    compression: str | None = "deflate",
    process_request: Callable[[ServerConnection, Request], Response | None] | None = None,
    process_response: Callable[[ServerConnection, Request, Response], Response | None] | None = None,
    server_header: str | None = PRODUCT,
    open_timeout: float | None = 10,
    ping_interval: float | None = 20,
    ping_timeout: float | None = 20,
    close_timeout: float | None = 10,
    max_size: int | tuple[int | None, int | None] | None = DEFAULT_MAX_SIZE,
    max_queue: int | tuple[int | None, int | None] | None = DEFAULT_MAX_QUEUE,
    max_threads: int | None = MAX_THREADS,
    logger: LoggerLike | None = None,
    create_connection: type[ServerConnection] | None = None,
    **kwargs: Any,
) -> Server:
    """Serve WebSocket on ``host`` and ``port``, with a thread for each connection's handler.

    ::

        def echo(ws):
            for message in ws:
                ws.send(message)

        with serve(echo, "localhost", 8765) as server:
            server.serve_forever()

    Args:
        handler: A function that is given each connection when it is open. When it returns, the connection is closed
            with code 1000; when it raises, with 1011, and the traceback is logged.
        host: Name or address to listen on. None or empty: all interfaces.
        port: TCP port. 0: one that is free.
        sock: A bound socket to listen on, instead of ``host`` and ``port``.
        ssl: TLS settings. None: no TLS.
        origins: See `openline.serve`, as for all that is not listed here.
        extensions: See there.
        subprotocols: See there.
        select_subprotocol: See there. It is called in the loop's thread, and must not block.
        compression: See there.
        process_request: See there; an ordinary function, called in a thread of asyncio's pool.
        process_response: Likewise.
        server_header: See there.
        open_timeout: See there.
        ping_interval: See there.
        ping_timeout: See there.
        close_timeout: See there.
        max_size: See there.
        max_queue: See there.
        max_threads: Connections that are handled at once; more are refused with status 503. None: no bound.
        logger: See there.
        create_connection: A subclass of `openline.sync.ServerConnection`. None: that itself.
        kwargs: For ``socket.create_server``: ``family``, ``backlog``, ``reuse_port``, ``dualstack_ipv6``.

    Raises:
        OSError: if the address cannot be bound.
    """
    path: Path | None = kwargs.pop("path", None)
    if sock is not None and (host is not None or port is not None or path is not None):
        raise ValueError("host, port and path cannot be given together with sock")
    if sock is None:
        address = (host or "", port or 0) if path is None else path
        sock = socket.create_server(cast("Any", address), **kwargs)
    elif kwargs:
        raise TypeError(f"{', '.join(kwargs)} cannot be given together with sock")
    try:
        return Server(
            handler,
            sock,
            max_threads=max_threads,
            create_connection=check_connection_class(create_connection, ServerConnection),
            process_request=process_request,
            process_response=process_response,
            select_subprotocol=select_subprotocol,
            ssl=ssl,
            origins=origins,
            extensions=extensions,
            subprotocols=subprotocols,
            compression=compression,
            server_header=server_header,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_size=max_size,
            max_queue=max_queue,
            logger=logger,
        )
    except BaseException:
        sock.close()
        raise


def unix_serve(
    handler: Callable[[ServerConnection], None], path: Path | None = None, **kwargs: Any
) -> Server:
    """Serve WebSocket on a Unix socket.

    Args:
        handler: See `serve`.
        path: Where the socket lives. None: ``sock`` is given.
        kwargs: As those of `serve`, except those that concern TCP.
    """
    if path is not None:
        kwargs.setdefault("family", socket.AF_UNIX)
        kwargs["path"] = path
    return serve(handler, **kwargs)
