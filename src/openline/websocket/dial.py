"""The socket that a client connects with: the arguments of ``loop.create_connection``, done without its transports."""

from __future__ import annotations

import os
import socket
from asyncio import AbstractEventLoop
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from openline.protocol.uri import WebSocketURI
from openline.websocket.proxy import Proxy, open_socks
from openline.websocket.tunnel import open_tunnel

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["ConnectKwargs", "Path", "check_connect_kwargs", "dial", "is_unix", "resolve"]

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class ConnectKwargs(TypedDict, total=False):
    """Keyword arguments of ``connect`` and ``unix_connect`` that concern the socket and TLS.

    Those of ``loop.create_connection`` and ``loop.create_unix_connection``, with their defaults, and ``proxy_*``.
    """

    host: str | None
    """Connect here, instead of to the host of the URI."""
    port: int | None
    """Connect to this port, instead of the URI's."""
    ssl: SSLContext | Literal[True] | None
    """TLS settings for a ``wss://`` URI. True: those of ``ssl.create_default_context()``, the default."""
    server_hostname: str | None
    """The name that the server's certificate must have. Default: the host of the URI."""
    ssl_handshake_timeout: float | None
    """Seconds for the TLS handshake. None: the engine's default, 60."""
    ssl_shutdown_timeout: float | None
    """Seconds for the end of TLS. None: the engine's default, 30."""
    family: int
    """Address family. Default: both IPv4 and IPv6."""
    proto: int
    """Protocol number for ``getaddrinfo``. Default: 0."""
    flags: int
    """Flags for ``getaddrinfo``. Default: 0."""
    sock: socket.socket | None
    """A connected socket to use; no proxy is used then."""
    local_addr: tuple[str, int] | None
    """Bind to this address and port first. None: the kernel chooses."""
    happy_eyeballs_delay: float | None
    """Seconds after which the next address is tried too (RFC 8305). None: only when one has failed."""
    interleave: int | None
    """Mix address families, with so many of the first at the start. None: 1 with ``happy_eyeballs_delay``, else 0."""
    all_errors: bool
    """Raise an `ExceptionGroup` with each address's error; they are tried one after another then. Default: False."""
    path: Path | None
    """Unix sockets: where the socket lives."""
    proxy_ssl: SSLContext | Literal[True] | None
    """TLS settings for an ``https://`` proxy. Default: True."""
    proxy_server_hostname: str | None
    """The name that the proxy's certificate must have. Default: the proxy's host."""
    proxy_ssl_handshake_timeout: float | None
    """As ``ssl_handshake_timeout``, to the proxy."""
    proxy_ssl_shutdown_timeout: float | None
    """As ``ssl_shutdown_timeout``, to the proxy."""


_ANY = frozenset({"sock", "path", "ssl", "server_hostname", "ssl_handshake_timeout", "ssl_shutdown_timeout"})
_PROXY = frozenset(name for name in ConnectKwargs.__annotations__ if name.startswith("proxy_"))


def is_unix(kwargs: ConnectKwargs) -> bool:
    """Tell whether the connection is made on a Unix socket."""
    sock = kwargs.get("sock")
    return kwargs.get("path") is not None or (
        sock is not None and sock.family == getattr(socket, "AF_UNIX", None)
    )


def check_connect_kwargs(kwargs: ConnectKwargs) -> None:
    """Refuse what has no meaning, by name.

    Raises:
        TypeError: for an unknown argument, or one that is for the other kind of socket.
        ValueError: if arguments contradict each other.
    """
    for name in kwargs:
        if name.startswith("proxy_") and name not in _PROXY:
            raise TypeError(
                f"connect() does not take {name!r}: {name.removeprefix('proxy_')!r} applies to the proxy already;"
                f" only {', '.join(sorted(_PROXY))} are the proxy's own"
            )
        if name not in ConnectKwargs.__annotations__:
            raise TypeError(f"connect() got an unexpected keyword argument {name!r}")
        if name not in _ANY and is_unix(kwargs):
            raise TypeError(f"{name!r} has no meaning on a Unix socket")
    if kwargs.get("sock") is not None:
        for name in ("host", "port", "path", "local_addr"):
            if kwargs.get(name) is not None:
                raise ValueError(f"{name} cannot be given together with sock")


async def dial(
    loop: AbstractEventLoop,
    uri: WebSocketURI,
    proxy: Proxy | None,
    kwargs: ConnectKwargs,
    user_agent_header: str | None,
) -> socket.socket:
    """Connect a socket to the server, through the proxy if there is one.

    Args:
        loop: The running loop.
        uri: The server.
        proxy: The proxy; None: connect directly.
        kwargs: The arguments of ``connect``.
        user_agent_header: For an HTTP proxy; None: no such header.

    Raises:
        OSError: if that fails; `ExceptionGroup` with ``all_errors``.
        ProxyError: if the proxy refuses.

    Cancel: safe; the socket is closed.
    """
    sock = kwargs.get("sock")
    if sock is not None:
        if sock.type != socket.SOCK_STREAM:
            raise ValueError(f"sock must be a stream socket: {sock!r}")
        sock.setblocking(False)
        return sock
    path = kwargs.get("path")
    if path is not None:
        return await _dial_unix(loop, os.fspath(path))
    # host and port override those of the URI only here: TLS and the Host header keep to the URI.
    server = replace(uri, host=kwargs.get("host") or uri.host, port=kwargs.get("port") or uri.port)
    if proxy is None:
        return await _dial_tcp(loop, server.host, server.port, kwargs)
    if proxy.scheme.startswith("socks"):
        sock = await open_socks(proxy, server, kwargs.get("local_addr"))
        sock.setblocking(False)
        return sock
    sock = await _dial_tcp(loop, proxy.host, proxy.port, kwargs)
    return await open_tunnel(loop, sock, proxy, server, kwargs, user_agent_header)


async def _dial_unix(loop: AbstractEventLoop, path: str | bytes) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, path)
    except BaseException:
        sock.close()
        raise
    return sock


async def _dial_tcp(loop: AbstractEventLoop, host: str, port: int, kwargs: ConnectKwargs) -> socket.socket:
    from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType]

    family, proto, flags = kwargs.get("family", 0), kwargs.get("proto", 0), kwargs.get("flags", 0)
    addresses = await resolve(loop, host, port, family, proto, flags)
    local_addresses = None
    local_addr = kwargs.get("local_addr")
    if local_addr is not None:
        local_addresses = await resolve(loop, local_addr[0], local_addr[1], family, proto, flags)
    if not kwargs.get("all_errors", False):
        return await start_connection(
            addresses,
            local_addr_infos=local_addresses,
            happy_eyeballs_delay=kwargs.get("happy_eyeballs_delay"),
            interleave=kwargs.get("interleave"),
            loop=loop,
        )
    errors: list[Exception] = []
    for address in addresses:
        try:
            return await start_connection([address], local_addr_infos=local_addresses, loop=loop)
        except OSError as exc:
            errors.append(exc)
    raise ExceptionGroup(f"cannot connect to {host} port {port}", errors)


AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


async def resolve(
    loop: AbstractEventLoop, host: str, port: int, family: int, proto: int, flags: int
) -> Sequence[AddressInfo]:
    """Find the addresses of a host."""
    kind = socket.SOCK_STREAM
    try:
        # An address needs no resolver, and so no thread.
        return socket.getaddrinfo(host, port, family, kind, proto, flags | socket.AI_NUMERICHOST)
    except socket.gaierror:
        infos = await loop.getaddrinfo(host, port, family=family, type=kind, proto=proto, flags=flags)
    if not infos:
        raise OSError(f"getaddrinfo({host!r}) returned empty list")
    return infos
