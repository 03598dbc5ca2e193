"""``serve``: a WebSocket server."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, Unpack, cast

from openline import engine
from openline.exceptions import ConnectionClosed
from openline.protocol.close_codes import CloseCode
from openline.protocol.extensions.base import ServerExtensionFactory
from openline.protocol.extensions.permessage_deflate import enable_server_permessage_deflate
from openline.protocol.headers import build_subprotocols
from openline.protocol.http11 import Request, Response
from openline.protocol.states import State
from openline.version import PRODUCT
from openline.websocket.bind import (
    BoundSockets,
    Path,
    ServeKwargs,
    bind,
    check_serve_kwargs,
    describe_address,
)
from openline.websocket.http import HTTPHandler
from openline.websocket.lines import check_connection_class, line_class, make_line
from openline.websocket.listener import Listener, make_listener
from openline.websocket.options import (
    DEFAULT_MAX_QUEUE,
    DEFAULT_MAX_SIZE,
    DEFAULT_MAX_UNSENT,
    DEFAULT_WRITE_LIMIT,
    LoggerLike,
    Options,
)
from openline.websocket.server_connection import ServerConnection
from openline.websocket.server_opening import ServerOpening
from openline.websocket.serving import Servable, Serving

if TYPE_CHECKING:
    from openline.engine.base import Acceptor
    from openline.websocket.connection import Connection

__all__ = [
    "Handler",
    "ProcessRequest",
    "ProcessResponse",
    "SelectSubprotocol",
    "Server",
    "serve",
    "unix_serve",
]

Handler: TypeAlias = Callable[[ServerConnection], Awaitable[None]]
ListenerLike: TypeAlias = Listener | type[Listener] | Callable[[ServerConnection], Listener]
ProcessRequest: TypeAlias = Callable[
    [ServerConnection, Request], Awaitable[Response | None] | Response | None
]
ProcessResponse: TypeAlias = Callable[
    [ServerConnection, Request, Response], Awaitable[Response | None] | Response | None
]
SelectSubprotocol: TypeAlias = Callable[[ServerConnection, Sequence[str]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a server accepts, and how it answers; see `serve` for the meaning of each."""

    origins: Sequence[str | re.Pattern[str] | None] | None
    extensions: Sequence[ServerExtensionFactory]
    subprotocols: Sequence[str] | None
    select_subprotocol: SelectSubprotocol | None
    process_request: ProcessRequest | None
    process_response: ProcessResponse | None
    server_header: str | None
    http: HTTPHandler | None
    open_timeout: float | None


class Server:
    """A server made by `serve`: ``server = await serve(...)``, or ``async with serve(...) as server``.

    Leaving ``async with`` closes the server and waits until it is closed.
    """

    def __init__(
        self,
        host: str | Sequence[str] | None,
        port: int | None,
        kwargs: ServeKwargs,
        *,
        handler: Handler | None,
        listener: ListenerLike | None,
        policy: Policy,
        options: Options,
        connection_class: type[ServerConnection],
        application: Serving | None = None,
    ) -> None:
        self.logger: LoggerLike = options.logger
        self.options = options
        options.host = self
        self.policy = policy
        self.closing = False
        self._address = (host, port)
        self._kwargs = kwargs
        self._handler = handler
        self._listener = listener
        self._connection_class = connection_class
        self._application = application
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bound: BoundSockets | None = None
        self._acceptors: list[Acceptor] = []
        self._openings: set[ServerOpening] = set()
        self._connections: set[ServerConnection] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._exchanges: set[asyncio.Task[Any]] = set()
        self._close_task: asyncio.Task[None] | None = None
        self._something_ended = asyncio.Event()
        self._closed = asyncio.Event()

    def __repr__(self) -> str:
        state = "closed" if self._closed.is_set() else "closing" if self.closing else ""
        addresses = [describe_address(sock) for sock in self.sockets]
        return f"<{type(self).__name__} {state or ', '.join(addresses) or 'not started'}>"

    # Starting.

    def __await__(self) -> Generator[Any, None, Self]:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        await self.wait_closed()

    async def _start(self) -> Self:
        if self._loop is None:
            loop = asyncio.get_running_loop()
            if self._application is not None:
                await self._application.start()
            self._bound = await bind(loop, *self._address, self._kwargs)
            self._loop = loop
            if self._kwargs.get("start_serving", True):
                await self.start_serving()
        return self

    async def start_serving(self) -> None:
        """Begin to accept connections; needed only after ``serve(..., start_serving=False)``. Idempotent.

        Raises:
            RuntimeError: if the server is closed, or was never awaited.
        """
        if self._bound is None or self.closing:
            raise RuntimeError(f"{self!r} is closed" if self.closing else f"{self!r} was not awaited")
        if self._acceptors:
            return
        kwargs = self._kwargs
        loop_engine = engine.of(self.get_loop())
        self._line_class = line_class(loop_engine, self._connection_class)
        for sock in self._bound.sockets:
            acceptor = await loop_engine.listen(
                sock,
                self._make_line,
                ssl=kwargs.get("ssl"),
                backlog=kwargs.get("backlog", 100),
                ssl_handshake_timeout=kwargs.get("ssl_handshake_timeout", self.policy.open_timeout),
                ssl_shutdown_timeout=kwargs.get("ssl_shutdown_timeout", self.options.close_timeout),
            )
            self._acceptors.append(acceptor)
            self.logger.info("server listening on %s", describe_address(sock))

    async def serve_forever(self) -> None:
        """Serve until `close` is called, or this coroutine is cancelled, which closes the server.

        Cancel: closes the server, waits until it is closed, and raises `asyncio.CancelledError`.
        """
        try:
            await self.start_serving()
            await self.wait_closed()
        except asyncio.CancelledError:
            self.close()
            await self.wait_closed()
            raise

    # What it is.

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that the server runs in."""
        if self._loop is None:
            raise RuntimeError(f"{self!r} was not awaited")
        return self._loop

    def is_serving(self) -> bool:
        """Tell whether the server accepts connections."""
        return bool(self._acceptors) and not self.closing

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets that the server listens on; empty when it is closed."""
        return () if self._bound is None or self.closing else self._bound.sockets

    @property
    def connections(self) -> set[ServerConnection]:
        """The connections that are open: past the opening handshake, and not closing yet. A new set each time."""
        return {connection for connection in self._connections if connection.state is State.OPEN}

    # Closing.

    def close(
        self,
        close_connections: bool = True,
        code: CloseCode | int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """Stop accepting, refuse handshakes that are under way with 503, and close the connections. Idempotent.

        Then the handlers have the time that they need; HTTP requests have ``close_timeout``.

        Args:
            close_connections: False: leave the open connections open, until they are closed by somebody else.
            code: Close code for them (RFC 6455 section 7.4).
            reason: Close reason for them; up to 123 bytes as UTF-8.
        """
        if self._close_task is None:
            self._close_task = self.get_loop().create_task(self._close(close_connections, code, reason))
            self.closing = True

    async def _close(self, close_connections: bool, code: CloseCode | int, reason: str) -> None:
        self.logger.info("server closing")
        for acceptor in self._acceptors:
            acceptor.close()
        if self._bound is not None:
            self._bound.close()
        for opening in list(self._openings):
            opening.shut_down()
        if self._application is not None and close_connections:
            self._application.closing()
        if close_connections:
            for connection in self.connections:
                connection.begin_close(code, reason)
        if self._exchanges:
            _, late = await asyncio.wait(self._exchanges, timeout=self.options.close_timeout)
            for task in late:
                task.cancel()
        while self._openings or self._connections or self._tasks or self._exchanges:
            self._something_ended.clear()
            await self._something_ended.wait()
        if self._application is not None:
            await self._application.closed()
        self._closed.set()
        self.logger.info("server closed")

    async def wait_closed(self) -> None:
        """Wait until the server is closed: no connection is left, and every handler has returned.

        Cancel: safe; closing goes on.
        """
        await self._closed.wait()

    # Connections, on their way from the line to the handler.

    def _make_line(self) -> ServerConnection:
        return make_line(self._line_class, self.options)

    def connection_made(self, ws: Connection, /) -> None:
        """A client has connected; see `openline.websocket.options.Host`."""
        opening = ServerOpening(self, cast("ServerConnection", ws))
        self._openings.add(opening)
        opening.start()
        if self.closing:
            # It was accepted before, and was held up by its TLS handshake.
            opening.shut_down()

    def forget_opening(self, opening: ServerOpening) -> None:
        """A line is lost before it was a WebSocket."""
        self._openings.discard(opening)
        self._note_end()

    def connection_lost(self, ws: Connection, /) -> None:
        """A WebSocket is closed; see `openline.websocket.options.Host`."""
        self._connections.discard(cast("ServerConnection", ws))
        self._note_end()

    def _note_end(self) -> None:
        self._something_ended.set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a hook or an HTTP request in a task; cancelled when the server has waited for it long enough."""
        task = self.get_loop().create_task(coroutine, context=self.options.context.copy())
        self._exchanges.add(task)
        task.add_done_callback(self._exchange_done)
        return task

    def _exchange_done(self, task: asyncio.Task[None]) -> None:
        self._exchanges.discard(task)
        self._note_end()

    def make_listener(self, ws: ServerConnection) -> Listener | None:
        """Make the listener of a connection, where callbacks were asked for; whatever that raises is the program's."""
        if self._application is not None:
            return self._application.listener(ws)
        return None if self._listener is None else make_listener(self._listener, ws)

    def admit(self, opening: ServerOpening) -> None:
        """The opening handshake has succeeded: the line is a connection from here on."""
        self._openings.discard(opening)
        self._connections.add(opening.line)

    def start_handler(self, ws: ServerConnection) -> None:
        """The connection is open: its handler begins, where there is one."""
        if self._application is not None and ws.listener is not None:
            return  # the application's own
        if self._handler is not None:
            context = self.options.context.copy()
            try:
                awaitable = context.run(self._handler, ws)
            except Exception as exc:
                self._handler_failed(ws, exc)
                return
            # A coroutine needs no second one around it: connections are many.
            coroutine = awaitable if asyncio.iscoroutine(awaitable) else _wait_for(awaitable)
            task = self.get_loop().create_task(coroutine, context=context)
            self._tasks.add(task)
            task.add_done_callback(partial(self._handler_done, ws))

    def _handler_done(self, ws: ServerConnection, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._note_end()
        if task.cancelled():
            ws.begin_close(CloseCode.GOING_AWAY)
            return
        error = task.exception()
        if error is None or (isinstance(error, ConnectionClosed) and ws.state is not State.OPEN):
            # ConnectionClosed of another connection is an error: this one did not do what it should.
            ws.begin_close(CloseCode.NORMAL_CLOSURE)
            return
        self._handler_failed(ws, error)

    def _handler_failed(self, ws: ServerConnection, error: BaseException) -> None:
        self.logger.error("connection handler failed", exc_info=error)
        ws.begin_close(CloseCode.INTERNAL_ERROR)


async def _wait_for(awaitable: Awaitable[None]) -> None:
    await awaitable


# ``serve`` is no coroutine function, so that ``async with serve(...)`` works as well as ``await serve(...)``.


def serve(
    handler: Handler | Listener | type[Listener] | Servable | None,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    origins: Sequence[str | re.Pattern[str] | None] | None = None,
    extensions: Sequence[ServerExtensionFactory] | None = None,
    subprotocols: Sequence[str] | None = None,
    select_subprotocol: SelectSubprotocol | None = None,
    compression: str | None = "deflate",
    process_request: ProcessRequest | None = None,
    process_response: ProcessResponse | None = None,
    server_header: str | None = PRODUCT,
    open_timeout: float | None = 10,
    ping_interval: float | None = 20,
    ping_timeout: float | None = 20,
    close_timeout: float | None = 10,
    max_size: int | tuple[int | None, int | None] | None = DEFAULT_MAX_SIZE,
    max_queue: int | tuple[int | None, int | None] | None = DEFAULT_MAX_QUEUE,
    write_limit: int | tuple[int, int | None] = DEFAULT_WRITE_LIMIT,
    max_unsent: int | None = DEFAULT_MAX_UNSENT,
    busy_poll: int = 0,
    logger: LoggerLike | None = None,
    listener: ListenerLike | None = None,
    http: HTTPHandler | None = None,
    create_connection: type[ServerConnection] | None = None,
    **kwargs: Unpack[ServeKwargs],
) -> Server:
    """Serve WebSocket on ``host`` and ``port``.

    ::

        async def echo(ws):
            async for message in ws:
                await ws.send(message)

        async with serve(echo, "localhost", 8765) as server:
            await server.serve_forever()

    When the handler returns, its connection is closed with code 1000; when it raises, with 1011, and the traceback is
    logged. `ConnectionClosed` of its own connection is no error.

    In place of a handler there may be an application that brings its own, such as a `openline.hub.Hub`.

    Args:
        handler: A coroutine function that is given each connection (`ServerConnection`) when it is open; or a
            `Listener`, which is then shared by all connections; or a subclass of it, of which each gets its own.
            None: ``listener`` is given.
        host: Name or address to listen on, or several. None or empty: all interfaces.
        port: TCP port. 0: one that is free; see `Server.sockets`.
        origins: Allowed values of the Origin header: strings, compiled patterns that must match all of it, and None
            for a client that sends none, as those do that are no browsers. None: all origins are allowed.
        extensions: Extensions to agree to, besides compression. None: none.
        subprotocols: Subprotocols, the preferred one first. A client that offers none of them is refused. None: none.
        select_subprotocol: Is given the connection and what the client offers, and returns one of these, or None;
            replaces the rule above. Raises `NegotiationError` to refuse.
        compression: ``"deflate"`` agrees to permessage-deflate (RFC 7692); None: no compression.
        process_request: Is given the connection and the `Request` before it is judged. Returns None to go on, or a
            `Response`, which is sent instead of opening a WebSocket. May be a coroutine function. When it raises, the
            client gets 500.
        process_response: Is given connection, request and `Response` before it is sent; changes it, or returns
            another; otherwise as ``process_request``.
        server_header: Value of the Server header. None: no such header.
        open_timeout: Seconds for the opening handshake, the hooks included. None: for ever.
        ping_interval: Seconds between keepalive pings. None: none are sent.
        ping_timeout: Seconds in which the peer must give a sign of life after one. None: for ever.
        close_timeout: Seconds for the closing handshake and the end of TCP. None: for ever.
        max_size: Largest incoming message in bytes, or (message, fragment). None: no bound.
        max_queue: How many received messages may wait, or (high, low): reading stops at the first, and goes on at the
            second. None: no bound.
        write_limit: Unsent bytes above which ``send`` waits, or (high, low).
        max_unsent: Unsent bytes at which a connection is aborted. None: no bound.
        busy_poll: Microseconds for which the native engine keeps polling after the last thing that came, before it
            hands the loop back: lower latency at the price of CPU, and of everything else in the loop, which waits.
            0: it does not. At most 1,000; holds for all WebSockets of the loop. See ``docs/deployment.md``.
        logger: Default: ``logging.getLogger("openline.server")``.
        listener: In place of ``handler``: a `Listener`, a subclass, or a function that is given the connection and
            returns one.
        http: A coroutine function from `HTTPRequest` to `HTTPResponse`, for requests that do not ask for a WebSocket.
            ``process_request`` is not called for these. None: they are answered with 426.
        create_connection: A subclass of `ServerConnection` to make connections of. None: `ServerConnection`.
        kwargs: Arguments for the sockets and TLS: see `openline.websocket.bind.ServeKwargs`.

    Returns:
        The server: to be awaited, or entered by ``async with``.

    Raises:
        OSError: when it is awaited, if an address cannot be bound.
        TypeError, ValueError: if arguments are unknown, or contradict each other.
    """
    check_serve_kwargs(kwargs)
    application: Serving | None = None
    if isinstance(handler, Servable):
        if listener is not None or process_request is not None or select_subprotocol is not None:
            raise TypeError(
                f"{type(handler).__name__} brings its own listener, process_request and select_subprotocol"
            )
        application = handler.serving(http=http)
        handler, http = application.handler, application.http
        process_request, select_subprotocol = application.process_request, application.select_subprotocol
    if isinstance(handler, Listener) or (isinstance(handler, type) and issubclass(handler, Listener)):
        if listener is not None:
            raise TypeError("handler and listener are both listeners: give one")
        handler, listener = None, handler
    if application is None and (handler is None) == (listener is None):
        raise TypeError("give either a handler or a listener")
    if subprotocols is not None:
        build_subprotocols(subprotocols)  # raises if they cannot be agreed on
    if compression == "deflate":
        extensions = enable_server_permessage_deflate(extensions)
    elif compression is not None:
        raise ValueError(f"unsupported compression: {compression}")
    return Server(
        host,
        port,
        kwargs,
        handler=cast("Handler | None", handler),
        listener=listener,
        policy=Policy(
            origins=origins,
            extensions=extensions or (),
            subprotocols=subprotocols,
            select_subprotocol=select_subprotocol,
            process_request=process_request,
            process_response=process_response,
            server_header=server_header,
            http=http,
            open_timeout=open_timeout,
        ),
        options=Options.of(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_size=max_size,
            max_queue=max_queue,
            write_limit=write_limit,
            max_unsent=max_unsent,
            busy_poll=busy_poll,
            logger=logging.getLogger("openline.server") if logger is None else logger,
        ),
        connection_class=check_connection_class(create_connection, ServerConnection),
        application=application,
    )


def unix_serve(
    handler: Handler | Listener | type[Listener] | Servable | None, path: Path | None = None, **kwargs: Any
) -> Server:
    """Serve WebSocket on a Unix socket.

    Args:
        handler: See `serve`.
        path: Where the socket lives; a socket that a dead server left there is replaced. None: ``sock`` is given.
        kwargs: As those of `serve`, except those that concern TCP.
    """
    if path is None and kwargs.get("sock") is None:
        raise ValueError("path or sock must be given")
    return serve(handler, path=path, **kwargs)
