"""``connect``: a WebSocket client."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Unpack

from openline import engine
from openline.exceptions import InvalidStatus, SecurityError
from openline.protocol.extensions.base import ClientExtensionFactory
from openline.protocol.extensions.permessage_deflate import enable_client_permessage_deflate
from openline.protocol.handshake import check_response, client_request
from openline.protocol.headers import Headers, HeadersLike, build_subprotocols
from openline.protocol.http11 import Request, Response
from openline.protocol.uri import WebSocketURI, parse_uri
from openline.version import PRODUCT
from openline.websocket.client_connection import ClientConnection
from openline.websocket.client_opening import ClientOpening
from openline.websocket.dial import ConnectKwargs, Path, check_connect_kwargs, dial, is_unix
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
from openline.websocket.proxy import Proxy, get_proxy, parse_proxy
from openline.websocket.reconnect import backoff, process_exception
from openline.websocket.redirect import MAX_REDIRECTS, Destination, follow_redirect

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["connect", "unix_connect"]

# Headers of ours that a program may give in ``additional_headers`` instead; they must stand there once.
_REPLACEABLE = ("Host", "Origin", "Authorization")


class connect:
    """Connect to the WebSocket server at ``uri``.

    There are three ways to use it::

        async with connect("wss://example.com/chat") as ws:     # closes the connection at the end
            await ws.send("hello")

        ws = await connect("wss://example.com/chat")            # closing is yours

        async for ws in connect("wss://example.com/chat"):      # connects again, for ever
            try:
                ...
            except ConnectionClosed:
                continue

    The third tries again after an error that may pass, with a delay that grows (see `openline.websocket.reconnect`),
    and raises one that will not.

    Args:
        uri: ``ws://`` or ``wss://`` URI. A user name and password in it become Basic authentication.
        origin: Value of the Origin header. None: no such header.
        extensions: Extensions to offer, besides compression, the preferred one first. None: none.
        subprotocols: Subprotocols to offer, the preferred one first. None: none.
        compression: ``"deflate"`` offers permessage-deflate (RFC 7692); None: no compression.
        additional_headers: Headers to add to the request. A header that breaks the line is refused.
        user_agent_header: Value of User-Agent. None: no such header.
        proxy: True: the proxy that the environment names, if any (``http_proxy``, ``no_proxy``, ...); None: no proxy;
            else the proxy's address: ``http``, ``https``, ``socks4``, ``socks4a``, ``socks5`` or ``socks5h``. SOCKS
            needs the extra ``openline[socks]``.
        process_exception: For ``async for``: is given an exception, and returns None to try again, or the exception
            to raise. Default: `openline.websocket.reconnect.process_exception`.
        open_timeout: Seconds for all of it: name resolution, proxy, TLS, redirects, handshake. None: for ever.
        ping_interval: Seconds between keepalive pings. None: none are sent.
        ping_timeout: Seconds in which the peer must give a sign of life after one. None: for ever.
        close_timeout: Seconds for the closing handshake and the end of TCP. None: for ever.
        reconnect_delays: For ``async for``: makes an iterator of delays in seconds. Default: exponential backoff
            with full jitter, up to 60.
        max_size: Largest incoming message in bytes, or (message, fragment). None: no bound.
        max_queue: How many received messages may wait, or (high, low): reading stops at the first, and goes on at the
            second. None: no bound.
        write_limit: Unsent bytes above which ``send`` waits, or (high, low).
        max_unsent: Unsent bytes at which the connection is aborted. None: no bound.
        busy_poll: Microseconds for which the native engine keeps polling after the last thing that came, before it
            hands the loop back: lower latency at the price of CPU, and of everything else in the loop, which waits.
            0: it does not. At most 1,000; holds for all WebSockets of the loop. See ``docs/deployment.md``.
        logger: Default: ``logging.getLogger("openline.client")``.
        listener: Gets the messages by callbacks instead of ``recv``: a `Listener`, or its class, or a function that is
            given the connection and returns one. None: no callbacks.
        create_connection: A subclass of `ClientConnection` to make connections of. None: `ClientConnection`.
        kwargs: Arguments for the socket and TLS: see `openline.websocket.dial.ConnectKwargs`.

    Raises:
        InvalidURI: if ``uri`` is no WebSocket URI.
        InvalidProxy: if the proxy's address is not valid.
        OSError: if the connection fails.
        InvalidHandshake: if the opening handshake fails.
        TimeoutError: if it all takes longer than ``open_timeout``.
        TypeError, ValueError: if arguments are unknown, or contradict each other.

    Cancel: awaiting it may be cancelled; no connection is left behind.

    Environment: ``OPENLINE_MAX_REDIRECTS`` (10), and ``OPENLINE_BACKOFF_INITIAL_DELAY``, ``..._MAX_DELAY``,
    ``..._FACTOR`` (5, 60, 2).
    """

    def __init__(
        self,
        uri: str,
        *,
        origin: str | None = None,
        extensions: Sequence[ClientExtensionFactory] | None = None,
        subprotocols: Sequence[str] | None = None,
        compression: str | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = PRODUCT,
        proxy: str | Literal[True] | None = True,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        reconnect_delays: Callable[[], Iterator[float]] = backoff,
        max_size: int | tuple[int | None, int | None] | None = DEFAULT_MAX_SIZE,
        max_queue: int | tuple[int | None, int | None] | None = DEFAULT_MAX_QUEUE,
        write_limit: int | tuple[int, int | None] = DEFAULT_WRITE_LIMIT,
        max_unsent: int | None = DEFAULT_MAX_UNSENT,
        busy_poll: int = 0,
        logger: LoggerLike | None = None,
        listener: Listener | type[Listener] | Callable[[ClientConnection], Listener] | None = None,
        create_connection: type[ClientConnection] | None = None,
        **kwargs: Unpack[ConnectKwargs],
    ) -> None:
        check_connect_kwargs(kwargs)
        self.uri = uri
        self._ws_uri = parse_uri(uri)
        if kwargs.get("ssl") is not None and not self._ws_uri.secure:
            raise ValueError("ssl argument is incompatible with a ws:// URI")
        if self._ws_uri.secure and kwargs.get("ssl", True) is None:
            raise ValueError("ssl=None is incompatible with a wss:// URI")
        if subprotocols is not None:
            build_subprotocols(subprotocols)  # raises if they cannot be offered
        if compression == "deflate":
            extensions = enable_client_permessage_deflate(extensions)
        elif compression is not None:
            raise ValueError(f"unsupported compression: {compression}")
        self._extensions = extensions
        self._origin = origin
        self._subprotocols = subprotocols
        self._additional_headers = None if additional_headers is None else Headers(additional_headers)
        self._user_agent_header = user_agent_header
        self._proxy: str | Literal[True] | None = proxy
        self._process_exception = process_exception
        self._reconnect_delays = reconnect_delays
        self._open_timeout = open_timeout
        self._listener = listener
        self._connection_class = check_connection_class(create_connection, ClientConnection)
        self._kwargs = kwargs
        self._options = Options.of(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_size=max_size,
            max_queue=max_queue,
            write_limit=write_limit,
            max_unsent=max_unsent,
            busy_poll=busy_poll,
            logger=logging.getLogger("openline.client") if logger is None else logger,
        )
        self.logger = self._options.logger
        self._connection: ClientConnection | None = None

    # await connect(...)

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self._connect().__await__()

    async def _connect(self) -> ClientConnection:
        try:
            async with asyncio.timeout(self._open_timeout):
                destination = Destination(self.uri, self._ws_uri, self._additional_headers)
                for _ in range(MAX_REDIRECTS + 1):
                    try:
                        return await self._open(destination)
                    except InvalidStatus as exc:
                        new = follow_redirect(exc, destination, self._kwargs)
                        if new is None:
                            raise
                        destination = new
                raise SecurityError(f"more than {MAX_REDIRECTS} redirects")
        except TimeoutError as exc:
            raise TimeoutError("timed out during opening handshake") from exc

    async def _open(self, destination: Destination) -> ClientConnection:
        loop = asyncio.get_running_loop()
        loop_engine = engine.of(loop)
        uri = destination.uri
        sock = await dial(
            loop,
            uri,
            self._choose_proxy(uri),
            self._kwargs,
            self._user_agent_header,
        )
        line = make_line(line_class(loop_engine, self._connection_class), self._options)
        await loop_engine.adopt(
            sock,
            line,
            ssl=self._tls_settings() if uri.secure else None,
            server_hostname=self._kwargs.get("server_hostname") or uri.host if uri.secure else None,
            ssl_handshake_timeout=self._kwargs.get("ssl_handshake_timeout"),
            ssl_shutdown_timeout=self._kwargs.get("ssl_shutdown_timeout"),
        )
        try:
            request = self._make_request(destination)

            def accept(response: Response, rest: bytes) -> None:
                self._accept(line, request, response, rest)

            opening = ClientOpening(line, request, accept)
            opening.start()
            await opening.outcome
        except BaseException:
            line.abort()
            raise
        return line

    def _choose_proxy(self, uri: WebSocketURI) -> Proxy | None:
        if self._proxy is None or is_unix(self._kwargs) or self._kwargs.get("sock") is not None:
            return None
        address = get_proxy(uri) if self._proxy is True else self._proxy
        if address is None:
            return None
        parsed = parse_proxy(address)
        if parsed.scheme == "https" and self._kwargs.get("proxy_ssl", True) is None:
            raise ValueError("proxy_ssl=None is incompatible with an https:// proxy")
        if parsed.scheme == "http" and self._kwargs.get("proxy_ssl") is not None:
            raise ValueError("proxy_ssl argument is incompatible with an http:// proxy")
        return parsed

    def _tls_settings(self) -> SSLContext:
        context = self._kwargs.get("ssl", True)
        if context is True:
            # Imported here since programs without TLS should not have to load it.
            import ssl

            return ssl.create_default_context()
        assert context is not None  # checked with the arguments
        return context

    def _make_request(self, destination: Destination) -> Request:
        request = client_request(
            destination.uri,
            origin=self._origin,
            extensions=self._extensions,
            subprotocols=self._subprotocols,
        )
        if destination.additional_headers is not None:
            for name in _REPLACEABLE:
                if name in destination.additional_headers and name in request.headers:
                    del request.headers[name]
            request.headers.update(destination.additional_headers)
        if self._user_agent_header is not None:
            request.headers.setdefault("User-Agent", self._user_agent_header)
        return request

    def _accept(self, line: ClientConnection, request: Request, response: Response, rest: bytes) -> None:
        accepted = check_response(
            request, response, extensions=self._extensions, subprotocols=self._subprotocols
        )
        line.opened(
            request,
            response,
            extensions=accepted.extensions,
            subprotocol=accepted.subprotocol,
            listener=None if self._listener is None else make_listener(self._listener, line),
            rest=rest,
        )

    # async with connect(...)

    async def __aenter__(self) -> ClientConnection:
        if self._connection is not None:
            raise RuntimeError("connect() isn't reentrant")
        self._connection = await self
        return self._connection

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._connection is not None
        connection, self._connection = self._connection, None
        await connection.__aexit__(exc_type, exc_value, traceback)

    # async for ... in connect(...)

    async def __aiter__(self) -> AsyncIterator[ClientConnection]:
        delays: Iterator[float] | None = None
        while True:
            try:
                connection = await self
            except Exception as exc:
                fatal = self._judge(exc)
                if fatal is exc:
                    raise
                if fatal is not None:
                    raise fatal from exc
                if delays is None:
                    delays = iter(self._reconnect_delays())
                delay = next(delays)
                self.logger.info(
                    "connect failed; reconnecting in %.1f seconds: %s",
                    delay,
                    traceback.format_exception_only(exc)[0].strip(),
                )
                await asyncio.sleep(delay)
            else:
                delays = None
                async with connection:
                    yield connection

    def _judge(self, exc: Exception) -> Exception | None:
        try:
            return self._process_exception(exc)
        except Exception as raised:
            # Raising it instead of returning it is an obvious thing to do.
            return raised


def unix_connect(path: Path | None = None, uri: str | None = None, **kwargs: Any) -> connect:
    """Connect to a WebSocket server on a Unix socket.

    Args:
        path: Where the socket lives. None: ``sock`` is given.
        uri: For the handshake. None: ``ws://localhost/``, or ``wss://localhost/`` if ``ssl`` is given.
        kwargs: As those of `connect`, except those that concern TCP.
    """
    if uri is None:
        uri = "ws://localhost/" if kwargs.get("ssl") is None else "wss://localhost/"
    if path is None and kwargs.get("sock") is None:
        raise ValueError("path or sock must be given")
    return connect(uri, path=path, **kwargs)
