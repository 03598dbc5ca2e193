"""A tunnel through an HTTP proxy (RFC 9110 section 9.3.6), and the TLS to the proxy itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from openline.protocol.uri import WebSocketURI
from openline.websocket.proxy import Proxy, ProxyAnswer, connect_request

if TYPE_CHECKING:
    from openline.websocket.dial import ConnectKwargs

__all__ = ["open_tunnel"]

_READ_SIZE = 2**16

LINGER = 10.0
"""Seconds for which an ``https://`` proxy may still send after our side has ended: TLS has no half-closed state that
asyncio's transports would know, so the end of our side cannot be told to it."""

_relays: set[asyncio.Task[None]] = set()
"""Running relays: the loop holds its tasks weakly."""


async def open_tunnel(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    proxy: Proxy,
    uri: WebSocketURI,
    kwargs: ConnectKwargs,
    user_agent_header: str | None,
) -> socket.socket:
    """Ask the proxy that ``sock`` is connected to for a tunnel to the server of ``uri``.

    Args:
        loop: The running loop.
        sock: A connected socket; taken over.
        proxy: The proxy.
        uri: Where the tunnel leads.
        kwargs: The arguments of ``connect``; those for TLS to the proxy are used.
        user_agent_header: Value of User-Agent; None: no such header.

    Returns:
        The socket on which the server is reached.

    Raises:
        ProxyError: if the proxy refuses, or does not speak HTTP.
        OSError: if the connection fails.

    Cancel: safe; the socket is closed.
    """
    request = connect_request(proxy, uri, user_agent_header)
    try:
        if proxy.scheme == "https":
            return await _open_over_tls(loop, sock, proxy, request, kwargs)
        await _converse(
            request, lambda data: loop.sock_sendall(sock, data), lambda: loop.sock_recv(sock, _READ_SIZE)
        )
    except BaseException:
        sock.close()
        raise
    return sock


async def _converse(
    request: bytes, send: Callable[[bytes], Awaitable[None]], receive: Callable[[], Awaitable[bytes]]
) -> None:
    await send(request)
    answer = ProxyAnswer()
    while not answer.feed(await receive()):
        pass


async def _open_over_tls(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, proxy: Proxy, request: bytes, kwargs: ConnectKwargs
) -> socket.socket:
    # TLS to the server goes inside TLS to the proxy. The engine speaks TLS on sockets; so the outer layer is
    # asyncio's, and a pair of sockets stands between the two. Such proxies are rare enough for that to do.
    reader, writer = await asyncio.open_connection(
        sock=sock,
        ssl=kwargs.get("proxy_ssl", True),
        server_hostname=kwargs.get("proxy_server_hostname") or proxy.host,
        ssl_handshake_timeout=kwargs.get("proxy_ssl_handshake_timeout"),
        ssl_shutdown_timeout=kwargs.get("proxy_ssl_shutdown_timeout"),
    )

    async def send(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    try:
        await _converse(request, send, lambda: reader.read(_READ_SIZE))
        near, far = socket.socketpair()
    except BaseException:
        writer.transport.abort()
        raise
    near.setblocking(False)
    far.setblocking(False)
    relay = loop.create_task(_relay(loop, far, reader, writer))
    _relays.add(relay)
    relay.add_done_callback(_relays.discard)
    return near


async def _relay(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Pass bytes on between a socket and a stream until both have ended, or one has failed."""

    async def upward() -> None:
        while data := await loop.sock_recv(sock, _READ_SIZE):
            writer.write(data)
            await writer.drain()

    async def downward() -> None:
        while data := await reader.read(_READ_SIZE):
            await loop.sock_sendall(sock, data)
        sock.shutdown(socket.SHUT_WR)

    # An error of one side is the end of the other: the line sees it as such.
    pumps = [loop.create_task(pump()) for pump in (upward, downward)]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(pumps, timeout=LINGER)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        sock.close()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
